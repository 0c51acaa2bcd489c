package cluster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
	"github.com/d1gateway/d1gateway/webhook-server/replica"
	"github.com/d1gateway/d1gateway/webhook-server/replica/cluster"
)

var _ replica.Cluster = (*cluster.Cluster)(nil)

// process is one that reports under a name, with a clock of its own.
type process struct {
	*cluster.Cluster
	t   *testing.T
	now time.Time
}

func newProcess(t *testing.T, name string) *process {
	t.Helper()
	p := &process{t: t, now: time.Now()}
	var err error
	p.Cluster, err = cluster.New(cluster.Options{
		Config: control.server, Namespace: system, Replica: name, LeaseDuration: replica.LeaseDuration, Now: func() time.Time { return p.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) put(report *v1alpha1.ReplicaReport) {
	p.t.Helper()
	if err := p.Put(p.t.Context(), report); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) mine() []*v1alpha1.ReplicaReport {
	p.t.Helper()
	all, err := p.Reports(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return all
}

func (p *process) changed() []string {
	p.t.Helper()
	changed, err := p.Changed(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return changed
}

func (p *process) renew() (rival string) {
	p.t.Helper()
	rival, err := p.Renew(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return rival
}

// lease answers the Lease of that name, or nil.
func lease(t *testing.T, name string) *coordinationv1.Lease {
	t.Helper()
	client, err := kubernetes.NewForConfig(control.admin)
	if err != nil {
		t.Fatal(err)
	}
	lease, err := client.CoordinationV1().Leases(system).Get(t.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

// full is a report with as much of everything as its bounds allow.
func full(replicaName, name string) *v1alpha1.ReplicaReport {
	count, undelivered := int32(20000), int64(3)
	r := &v1alpha1.ReplicaReport{ObjectMeta: metav1.ObjectMeta{Name: name}, Replica: replicaName}
	r.Documents = &v1alpha1.ServedDocuments{ConfigMapsVersion: "17", SecretsVersion: "18", Served: &count, RefusedCount: &count}
	for i := range 256 {
		r.Documents.Refused = append(r.Documents.Refused, v1alpha1.RefusedDocument{Object: fmt.Sprintf("client.ns.%d", i), Message: strings.Repeat("x", 512)})
	}
	for i := range 1000 {
		document := fmt.Sprintf("client.ns.%s%04d", strings.Repeat("n", 200), i)
		r.Uses = append(r.Uses, v1alpha1.CredentialUse{Document: document, ID: strings.Repeat("i", 128), LastUsedTime: metav1.Unix(1_700_000_000, 0)})
		r.Draining = append(r.Draining, v1alpha1.DrainingGateway{Namespace: "ns", Name: fmt.Sprintf("g-%d", i), UID: "u", Undelivered: &undelivered})
	}
	return r
}

func TestAReportIsCreatedReplacedFoundAgainAndDeleted(t *testing.T) {
	p := newProcess(t, "report")
	p.put(&v1alpha1.ReplicaReport{ObjectMeta: metav1.ObjectMeta{Name: "report"}, Replica: "report"})
	p.put(full("report", "report"))
	p.put(full("report", "report.uses-0"))
	next := newProcess(t, "report")
	all := next.mine()
	if len(all) != 2 || all[0].Name != "report" || all[1].Name != "report.uses-0" {
		t.Fatalf("found %d reports", len(all))
	}
	if got := all[0]; len(got.Uses) != 1000 || len(got.Draining) != 1000 || len(got.Documents.Refused) != 256 || got.Labels[v1alpha1.LabelReplica] != v1alpha1.ReplicaValue {
		t.Errorf("it holds %d uses, %d draining gateways, %d refused documents, labels %v", len(got.Uses), len(got.Draining), len(got.Documents.Refused), got.Labels)
	}
	for range 2 {
		if err := next.Delete(t.Context(), "report.uses-0"); err != nil {
			t.Fatal(err)
		}
	}
	if all := next.mine(); len(all) != 1 || len(next.changed()) != 0 {
		t.Errorf("after the deletion there are %d reports, changed %v", len(all), next.changed())
	}
}

func TestReportsOfOtherReplicasAreNotTakenForOnesOwn(t *testing.T) {
	own := newProcess(t, "web-1")
	own.put(full("web-1", "web-1"))
	for _, other := range []string{"web-10", "web-1.uses-x", "web"} {
		newProcess(t, other).put(full(other, other))
	}
	if all := own.mine(); len(all) != 1 || all[0].Name != "web-1" {
		t.Errorf("found %d reports", len(all))
	}
	if changed := own.changed(); len(changed) != 0 {
		t.Errorf("changed: %v", changed)
	}
}

func TestWhatSomebodyElseChangedIsNamedAndReplaced(t *testing.T) {
	p, other := newProcess(t, "changed"), newProcess(t, "changed")
	for _, name := range []string{"changed", "changed.uses-0", "changed.uses-1"} {
		p.put(full("changed", name))
	}
	if changed := p.changed(); len(changed) != 0 {
		t.Fatalf("changed at first: %v", changed)
	}
	other.mine()
	other.put(&v1alpha1.ReplicaReport{ObjectMeta: metav1.ObjectMeta{Name: "changed"}, Replica: "changed"})
	if err := other.Delete(t.Context(), "changed.uses-0"); err != nil {
		t.Fatal(err)
	}
	other.put(full("changed", "changed.uses-7"))
	want := []string{"changed", "changed.uses-0", "changed.uses-7"}
	if changed := p.changed(); !slices.Equal(changed, want) {
		t.Errorf("changed: %v", changed)
	}
	for _, name := range want {
		p.put(full("changed", name))
	}
	if changed := p.changed(); len(changed) != 0 || len(p.mine()[0].Uses) != 1000 {
		t.Errorf("still changed: %v", changed)
	}
}

func TestALeaseIsTakenRenewedAndGivenBack(t *testing.T) {
	p := newProcess(t, "lease")
	p.renew()
	first := lease(t, "lease")
	p.now = p.now.Add(10 * time.Second)
	p.renew()
	second := lease(t, "lease")
	if first.Labels[v1alpha1.LabelReplica] != v1alpha1.ReplicaValue || *first.Spec.LeaseDurationSeconds != 30 || !strings.HasPrefix(*first.Spec.HolderIdentity, "lease_") {
		t.Errorf("lease %+v", first)
	}
	if !second.Spec.RenewTime.Time.Equal(first.Spec.RenewTime.Add(10*time.Second)) || !second.Spec.AcquireTime.Equal(first.Spec.AcquireTime) {
		t.Errorf("renewed %v after %v", second.Spec.RenewTime, first.Spec.RenewTime)
	}
	if err := p.Release(t.Context()); err != nil || lease(t, "lease") != nil {
		t.Errorf("it is not given back: %v", err)
	}
	if err := p.Release(t.Context()); err != nil {
		t.Errorf("giving back what is gone: %v", err)
	}
	p.renew() // somebody deleted it meanwhile
	if lease(t, "lease") == nil {
		t.Error("it is not taken again")
	}
}

func TestARestartedProcessTakesTheLeaseAndTheFormerOneLeavesIt(t *testing.T) {
	first, second := newProcess(t, "restarted"), newProcess(t, "restarted")
	first.renew()
	if rival := second.renew(); rival != "" {
		t.Errorf("the first renewal names the rival %q", rival)
	}
	if err := first.Release(t.Context()); err != nil || lease(t, "restarted") == nil {
		t.Errorf("the former process deletes its successor's lease: %v", err)
	}
}

func TestAnotherProcessUnderTheSameNameIsNamed(t *testing.T) {
	first, second := newProcess(t, "rival"), newProcess(t, "rival")
	first.renew()
	second.renew()
	holder := *lease(t, "rival").Spec.HolderIdentity
	if rival := first.renew(); rival != holder {
		t.Errorf("the rival is %q, want %q", rival, holder)
	}
	if held := *lease(t, "rival").Spec.HolderIdentity; held == holder {
		t.Error("the lease is not taken back")
	}
	second.now = second.now.Add(time.Minute) // the other one's renewal has run out
	if rival := second.renew(); rival != "" {
		t.Errorf("one that is gone is named: %q", rival)
	}
}

func TestAProcessThatHasNoLeaseGivesNoneBack(t *testing.T) {
	newProcess(t, "held").renew()
	if err := newProcess(t, "held").Release(t.Context()); err != nil || lease(t, "held") == nil {
		t.Errorf("the lease of another process is gone: %v", err)
	}
}

func TestTheServerMayNotWriteDocuments(t *testing.T) {
	client, err := kubernetes.NewForConfig(control.server)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Secrets(system).List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Errorf("it may not read them: %v", err)
	}
	if err := client.CoreV1().Secrets(system).Delete(t.Context(), "client.ns.name", metav1.DeleteOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("it may delete them: %v", err)
	}
	if _, err := client.CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("it may read others: %v", err)
	}
}
