package cluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

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

const system = "d1gateway-system"

// control is a real API server with the project's resources and the Role of the webhook-server.
var control struct {
	environment *envtest.Environment
	// server is the connection of a user with that Role and nothing else, reader of one who may read documents only, admin of one who may do anything.
	server, reader, admin *rest.Config
}

func TestMain(m *testing.M) { os.Exit(apiserver.Main(m, prepare)) }

func prepare(ctx context.Context, environment *envtest.Environment, admin *rest.Config) error {
	control.environment, control.admin = environment, admin
	root, err := buildtools.Root()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(root, "config", "rbac", "webhook_server_role.yaml"))
	if err != nil {
		return err
	}
	role := &rbacv1.Role{}
	if err := yaml.UnmarshalStrict(text, role); err != nil {
		return err
	}
	if err := makeNamespace(ctx); err != nil {
		return err
	}
	if control.server, err = addUser(ctx, "server", role); err != nil {
		return err
	}
	role.Name, role.Rules = "reader", role.Rules[:1]
	control.reader, err = addUser(ctx, "reader", role)
	return err
}

func makeNamespace(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(control.admin)
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: system}}, metav1.CreateOptions{})
	return err
}

// addUser answers the connection of a user who has the rights of the Role and no others.
func addUser(ctx context.Context, name string, role *rbacv1.Role) (*rest.Config, error) {
	user, err := control.environment.AddUser(envtest.User{Name: name}, nil)
	if err != nil {
		return nil, fmt.Errorf("adding a user: %w", err)
	}
	return user.Config(), grant(ctx, name, role)
}

func grant(ctx context.Context, user string, role *rbacv1.Role) error {
	client, err := kubernetes.NewForConfig(control.admin)
	if err != nil {
		return err
	}
	if _, err := client.RbacV1().Roles(system).Create(ctx, role, metav1.CreateOptions{}); err != nil {
		return err
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	_, err = client.RbacV1().RoleBindings(system).Create(ctx, binding, metav1.CreateOptions{})
	return err
}
