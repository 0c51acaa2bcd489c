package cluster_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/hack/buildtools"
	"github.com/d1gateway/d1gateway/webhook-server/replica"
	"github.com/d1gateway/d1gateway/webhook-server/replica/cluster"
)

const serviceAccount = "system:serviceaccount:" + system + ":d1gateway-webhook-server"

// ofPod is the connection of a server with the token of a Pod, or with one that was made for none.
func ofPod(pod string) *rest.Config {
	config := rest.CopyConfig(control.admin)
	config.Impersonate = rest.ImpersonationConfig{
		UserName: serviceAccount, Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + system, "system:authenticated"},
	}
	if pod != "" {
		config.Impersonate.Extra = map[string][]string{"authentication.kubernetes.io/pod-name": {pod}}
	}
	return config
}

// replicaWith is a process that reports under a name over a connection.
func replicaWith(t *testing.T, config *rest.Config, name string, lease time.Duration) *cluster.Cluster {
	t.Helper()
	c, err := cluster.New(cluster.Options{Config: config, Namespace: system, Replica: name, LeaseDuration: lease, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// empty is a report of a replica, under the name of an object.
func empty(replicaName, name string) *v1alpha1.ReplicaReport {
	return &v1alpha1.ReplicaReport{ObjectMeta: metav1.ObjectMeta{Name: name}, Replica: replicaName}
}

func adminClient(t *testing.T) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(control.admin)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// installPolicies gives the service account its Role, and waits until the policies are in force.
func installPolicies(t *testing.T) {
	t.Helper()
	client := adminClient(t)
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "service-account"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "d1gateway-webhook-server"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: system, Name: "d1gateway-webhook-server"}},
	}
	if _, err := client.RbacV1().RoleBindings(system).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	applyPolicies(t, client)
	wrong := replicaWith(t, ofPod("pod-a"), "not-yet", replica.LeaseDuration)
	eventually(t, "no policy for Leases is in force", func() bool {
		_, err := wrong.Renew(t.Context())
		return isRefused(err)
	})
	eventually(t, "no policy for reports is in force", func() bool { return isRefused(wrong.Put(t.Context(), empty("not-yet", "not-yet"))) })
}

func applyPolicies(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	root, err := buildtools.Root()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(root, "config", "rbac", "webhook_server_policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	decoder := yaml.NewYAMLOrJSONDecoder(file, 4096)
	admission := client.AdmissionregistrationV1()
	for {
		var policy admissionv1.ValidatingAdmissionPolicy
		var bound admissionv1.ValidatingAdmissionPolicyBinding
		err := errors.Join(decoder.Decode(&policy), decoder.Decode(&bound))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := admission.ValidatingAdmissionPolicies().Create(t.Context(), &policy, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}); err != nil {
			t.Fatal(err)
		}
		if _, err := admission.ValidatingAdmissionPolicyBindings().Create(t.Context(), &bound, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}); err != nil {
			t.Fatal(err)
		}
	}
}

// isRefused says whether a policy has refused what the Role allows.
func isRefused(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "ValidatingAdmissionPolicy 'd1gateway-webhook-server-")
}

func TestAReplicaInAClusterWritesItsOwnLeaseAndReportsOnly(t *testing.T) {
	installPolicies(t)
	t.Run("its own", func(t *testing.T) {
		own := replicaWith(t, ofPod("pod-a"), "pod-a", replica.LeaseDuration)
		for range 2 { // at first it is created, then updated
			if _, err := own.Renew(t.Context()); err != nil {
				t.Error(err)
			}
			for _, name := range []string{"pod-a", "pod-a.uses-0", "pod-a.uses-15"} {
				if err := own.Put(t.Context(), empty("pod-a", name)); err != nil {
					t.Error(err)
				}
			}
		}
		if err := errors.Join(own.Delete(t.Context(), "pod-a.uses-15"), own.Release(t.Context())); err != nil || lease(t, "pod-a") != nil {
			t.Errorf("it cannot take back what is its own: %v", err)
		}
	})
	t.Run("no other Lease", noOtherLease)
	t.Run("no other report", noOtherReport)
	t.Run("no Lease for years", func(t *testing.T) {
		if _, err := replicaWith(t, ofPod("pod-d"), "pod-d", 121*time.Second).Renew(t.Context()); !apierrors.IsInvalid(err) {
			t.Errorf("it is taken: %v", err)
		}
		if _, err := replicaWith(t, ofPod("pod-d"), "pod-d", 120*time.Second).Renew(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("nothing without a Pod", func(t *testing.T) {
		nobody := replicaWith(t, ofPod(""), "pod-e", replica.LeaseDuration)
		if _, err := nobody.Renew(t.Context()); !isRefused(err) {
			t.Errorf("the Lease is taken: %v", err)
		}
		if err := nobody.Put(t.Context(), empty("pod-e", "pod-e")); !isRefused(err) {
			t.Errorf("the report is written: %v", err)
		}
	})
	t.Run("and another user is not bound", func(t *testing.T) {
		outside := newProcess(t, "outside")
		outside.renew()
		outside.put(empty("outside", "outside"))
	})
}

func noOtherLease(t *testing.T) {
	client, err := kubernetes.NewForConfig(ofPod("pod-a"))
	if err != nil {
		t.Fatal(err)
	}
	leases := client.CoordinationV1().Leases(system)
	for _, name := range []string{"controllers.d1gateway.io", "pod-b", "pod-a.uses-1", "pod"} {
		l := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := leases.Create(t.Context(), l, metav1.CreateOptions{}); !isRefused(err) {
			t.Errorf("%s is created: %v", name, err)
		}
		l, err := adminClient(t).CoordinationV1().Leases(system).Create(t.Context(), l, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := leases.Update(t.Context(), l, metav1.UpdateOptions{}); !isRefused(err) {
			t.Errorf("%s is updated: %v", name, err)
		}
		if err := leases.Delete(t.Context(), name, metav1.DeleteOptions{}); !isRefused(err) {
			t.Errorf("%s is deleted: %v", name, err)
		}
	}
	if _, err := leases.Create(t.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{GenerateName: "pod-a"}}, metav1.CreateOptions{}); !isRefused(err) {
		t.Errorf("one whose name the API server makes is created: %v", err)
	}
}

func noOtherReport(t *testing.T) {
	for _, name := range []string{"pod-b", "pod-b.uses-0", "pod-a.uses-x", "pod-a.uses-1x", "pod-ab", "pod-axuses-1", "pod"} {
		// It says that it is the other one, over the connection of pod-a.
		forger := replicaWith(t, ofPod("pod-a"), name, replica.LeaseDuration)
		if err := forger.Put(t.Context(), empty("pod-a", name)); !isRefused(err) {
			t.Errorf("%s is created: %v", name, err)
		}
		newProcess(t, name).put(empty(name, name))
		if found, err := forger.Reports(t.Context()); err != nil || len(found) != 1 {
			t.Fatalf("%d reports are found: %v", len(found), err)
		}
		if err := forger.Put(t.Context(), empty("pod-a", name)); !isRefused(err) {
			t.Errorf("%s is updated: %v", name, err)
		}
		if err := forger.Delete(t.Context(), name); !isRefused(err) {
			t.Errorf("%s is deleted: %v", name, err)
		}
	}
	if err := replicaWith(t, ofPod("pod-a"), "pod-a", replica.LeaseDuration).Put(t.Context(), empty("pod-b", "pod-a")); !isRefused(err) {
		t.Errorf("it speaks for another replica: %v", err)
	}
}
