package cluster_test

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/webhook-server/replica"
)

func TestLiveReplicasWithAnotherStoreAreNamed(t *testing.T) {
	asking := newProcess(t, "stranger-a")
	for name, storeID := range map[string]string{"stranger-a": "former", "stranger-b": "other", "stranger-c": "same", "stranger-d": "", "stranger-e": "gone"} {
		p := newProcess(t, name)
		p.put(&v1alpha1.ReplicaReport{ObjectMeta: metav1.ObjectMeta{Name: name}, Replica: name, StoreID: storeID})
		if storeID != "gone" {
			p.renew()
		}
	}
	named := func() []string {
		t.Helper()
		all, err := asking.Strangers(t.Context(), "same")
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got := named(); !slices.Equal(got, []string{"stranger-b"}) {
		t.Errorf("strangers are %v", got)
	}
	asking.now = time.Now().Add(replica.LeaseDuration)
	if got := named(); len(got) > 0 {
		t.Errorf("after their leases have run out strangers are %v", got)
	}
}
