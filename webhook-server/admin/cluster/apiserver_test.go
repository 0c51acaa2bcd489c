package cluster_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	authentication "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/d1gateway/d1gateway/hack/apiserver"
	"github.com/d1gateway/d1gateway/hack/buildtools"
)

// audience is that of the tokens of the tests.
const audience = "d1gateway-admin"

// control is a real API server with the roles of config/rbac.
var control struct {
	environment *envtest.Environment
	// server is the connection of a user who may ask the two questions and nothing else, nobody of one who may do nothing.
	server, nobody *rest.Config
	admin          *kubernetes.Clientset
}

func TestMain(m *testing.M) { os.Exit(apiserver.Main(m, prepare)) }

func prepare(ctx context.Context, environment *envtest.Environment, config *rest.Config) (err error) {
	control.environment = environment
	if control.admin, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	for _, file := range []string{"notifications_roles.yaml", "webhook_server_reviews.yaml"} {
		if err := applyRoles(ctx, file); err != nil {
			return err
		}
	}
	for _, name := range []string{"payments", "travel"} {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := control.admin.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	if control.server, err = addUser("server"); err != nil {
		return err
	}
	if control.nobody, err = addUser("nobody"); err != nil {
		return err
	}
	return bind(ctx, "", "d1gateway-webhook-server-reviews", rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "server"})
}

// applyRoles makes the ClusterRoles of a file of config/rbac.
func applyRoles(ctx context.Context, file string) error {
	root, err := buildtools.Root()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(root, "config", "rbac", file))
	if err != nil {
		return err
	}
	for part := range bytes.SplitSeq(text, []byte("\n---\n")) {
		role := &rbacv1.ClusterRole{}
		if err := yaml.Unmarshal(part, role); err != nil {
			return err
		}
		if role.Kind != "ClusterRole" {
			continue
		}
		if _, err := control.admin.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func addUser(name string) (*rest.Config, error) {
	user, err := control.environment.AddUser(envtest.User{Name: name}, nil)
	if err != nil {
		return nil, fmt.Errorf("adding a user: %w", err)
	}
	return user.Config(), nil
}

// bind gives a subject the rights of a ClusterRole in a namespace, or everywhere when it is empty.
func bind(ctx context.Context, namespace, role string, subject rbacv1.Subject) error {
	meta := metav1.ObjectMeta{Name: role + "-" + subject.Name, Namespace: namespace}
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role}
	if namespace == "" {
		_, err := control.admin.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: []rbacv1.Subject{subject}}, metav1.CreateOptions{})
		return err
	}
	_, err := control.admin.RbacV1().RoleBindings(namespace).Create(ctx, &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: []rbacv1.Subject{subject}}, metav1.CreateOptions{})
	return err
}

// account makes a service account with the rights of a ClusterRole in the namespace payments, or none when it is empty.
func account(t *testing.T, name, role string) {
	t.Helper()
	made := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "payments"}}
	if _, err := control.admin.CoreV1().ServiceAccounts("payments").Create(t.Context(), made, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if role == "" {
		return
	}
	if err := bind(t.Context(), "payments", role, rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: "payments", Name: name}); err != nil {
		t.Fatal(err)
	}
}

// tokenOf is a token of a service account for some audiences; none are the API server's own.
func tokenOf(t *testing.T, name string, audiences ...string) string {
	t.Helper()
	request := &authentication.TokenRequest{Spec: authentication.TokenRequestSpec{Audiences: audiences}}
	made, err := control.admin.CoreV1().ServiceAccounts("payments").CreateToken(t.Context(), name, request, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made.Status.Token
}
