package recovery

import (
	"errors"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/controllers/internal/testenv"
)

// startWith answers a setting on an API server of its own, with an operator that runs and between which and the API server something stands.
func startWith(t *testing.T, between interceptor.Funcs) *testenv.Setting {
	t.Helper()
	cluster, err := testenv.Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	s := cluster.NewSetting(t)
	s.StartOperator(t, between)
	return s
}

// TestTheLeasesRunOutWhileTheAPIServerIsAway: the replicas serve all the while, and when it is back nothing is said to the contrary.
func TestTheLeasesRunOutWhileTheAPIServerIsAway(t *testing.T) {
	t.Parallel()
	calls := &testenv.Calls{}
	s := startWith(t, calls.Funcs())
	gateway, resource := served(t, s)
	// The test renews in the place of the replica.
	s.Replica.Stop(t)
	lease := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.System, Name: "webhook-server-0", Labels: map[string]string{v1alpha1.LabelReplica: v1alpha1.ReplicaValue}},
		Spec:       coordinationv1.LeaseSpec{LeaseDurationSeconds: ptr.To[int32](1), RenewTime: ptr.To(metav1.NewMicroTime(s.ReplicaClock.Now()))},
	}
	s.Create(t, lease)
	s.StopAPIServer(t)
	testenv.Eventually(t, func() error {
		if !strings.Contains(s.Log.String(), "It stays open whether a server replica is live") {
			return errors.New("the operator does not ask whether a replica is live")
		}
		return nil
	})
	s.ReplicaClock.Advance(10 * time.Minute)
	s.StartAPIServer(t)

	renew := func() {
		s.Update(t, lease, func() {
			lease.Spec.LeaseDurationSeconds, lease.Spec.RenewTime = ptr.To[int32](30), ptr.To(metav1.NewMicroTime(s.ReplicaClock.Now()))
		})
	}
	document := s.DocumentObject(serving.KindClient, resource).GetName()
	for range 2 {
		looks := calls.Reads("Secret", document)
		testenv.Eventually(t, func() error {
			renew()
			s.Touch(t, s.Secret(resource.Spec.Credentials.SecretName))
			if calls.Reads("Secret", document) == looks {
				return errors.New("it was not looked at")
			}
			return nil
		})
	}
	// A server that reports again shows that the operator has taken up everything.
	s.Delete(t, &v1alpha1.ReplicaReport{ObjectMeta: metav1.ObjectMeta{Namespace: s.System, Name: lease.Name}}, lease)
	s.StartReplica(t, lease.Name)
	renew()
	second := s.OAuthClient("second", "acme")
	s.Create(t, second)
	s.WaitReady(t, second)
	for _, object := range []client.Object{gateway, resource} {
		s.WaitReady(t, object)
		if events := strings.Join(s.Events(t, object), "\n"); strings.Contains(events, v1alpha1.ReasonNoReplicas) {
			t.Errorf("%s: %s", object.GetName(), events)
		}
	}
}
