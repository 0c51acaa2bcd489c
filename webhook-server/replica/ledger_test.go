package replica

import (
	"fmt"
	"slices"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// books is a ledger with the objects that it has had written, and the uses there are.
type books struct {
	t *testing.T
	*ledger
	objects map[string]*v1alpha1.ReplicaReport
	uses    map[credential]use
	facts   facts
}

func newBooks(t *testing.T) *books {
	return &books{t: t, ledger: newLedger("web-0", nil), objects: map[string]*v1alpha1.ReplicaReport{}, uses: map[credential]use{}}
}

func (b *books) use(name, id string, at time.Time, several bool) {
	c := credential{api.KindClient, "pay", name, id}
	b.uses[c] = use{credential: c, object: c.objectName(), seconds: at.Unix(), several: several}
}

// look carries out what is planned at that time, and answers the names of the objects that were written, then those deleted.
func (b *books) look(at time.Time) (names []string) {
	b.t.Helper()
	var uses []use
	for _, u := range b.uses {
		uses = append(uses, u)
	}
	p := b.everything(b.facts, uses, at, false)
	for _, report := range p.writes {
		b.objects[report.Name] = report
		b.wrote(report)
		names = append(names, report.Name)
	}
	for _, name := range p.deletes {
		delete(b.objects, name)
		b.deleted(name)
		names = append(names, "-"+name)
	}
	if p.lone {
		b.loneTold = at
	}
	return names
}

func (b *books) want(at time.Time, names ...string) {
	b.t.Helper()
	if got := b.look(at); !slices.Equal(got, names) {
		b.t.Errorf("at %v written %v, want %v", at.Sub(noon), got, names)
	}
}

// told answers what all objects tell, in seconds after noon.
func (b *books) toldUses() map[string]int64 {
	all := map[string]int64{}
	for _, report := range b.objects {
		for _, u := range report.Uses {
			all[u.Document+" "+u.ID] = u.LastUsedTime.Unix() - noon.Unix()
		}
	}
	return all
}

func TestAFirstUseIsToldAtOnceAndNothingWithoutAUse(t *testing.T) {
	b := newBooks(t)
	b.want(noon, "web-0")
	b.want(noon.Add(time.Hour))
	b.use("d1", "c1", noon, false)
	b.want(noon.Add(2*time.Hour), "web-0")
	b.want(noon.Add(20 * time.Hour))
}

func TestTheUseOfALoneCredentialIsToldAgainAfterAnHour(t *testing.T) {
	b := newBooks(t)
	b.use("d1", "c1", noon, false)
	b.want(noon, "web-0")
	for at := noon; at.Before(noon.Add(time.Hour)); at = at.Add(time.Minute) {
		b.use("d1", "c1", at, false)
		b.want(at)
	}
	b.use("d1", "c1", noon.Add(59*time.Minute), false)
	b.want(noon.Add(time.Hour), "web-0")
	if got := b.toldUses()["client.pay.d1 c1"]; got != 59*60 {
		t.Errorf("told %d s after noon", got)
	}
}

func TestLoneCredentialsAreToldTogether(t *testing.T) {
	b := newBooks(t)
	for i := range 30 {
		b.use(fmt.Sprint("d", i), "c1", noon.Add(time.Duration(i)*20*time.Second), false) // their hours end one after the other
		b.look(noon.Add(time.Duration(i) * 20 * time.Second))
	}
	written := 0
	for at := noon.Add(time.Hour); at.Before(noon.Add(2 * time.Hour)); at = at.Add(5 * time.Second) {
		for i := range 30 {
			b.use(fmt.Sprint("d", i), "c1", at, false)
		}
		written += len(b.look(at))
	}
	// One write takes along all of the object, so that the next is due an hour later.
	if written != 1 {
		t.Errorf("%d writes in an hour", written)
	}
}

func TestOneOfSeveralCredentialsIsToldAgainAfterAMinute(t *testing.T) {
	b := newBooks(t)
	b.use("d1", "old", noon, true)
	b.use("d1", "new", noon, true)
	b.want(noon, "web-0")
	b.use("d1", "old", noon.Add(30*time.Second), true)
	b.want(noon.Add(59 * time.Second))
	b.want(noon.Add(60*time.Second), "web-0")
	b.want(noon.Add(3 * time.Hour))
}

func TestACredentialThatIsNoLongerKnownLeavesTheReport(t *testing.T) {
	b := newBooks(t)
	b.use("d1", "c1", noon, false)
	b.use("d2", "c1", noon, false)
	b.want(noon, "web-0")
	clear(b.uses)
	b.use("d2", "c1", noon, false)
	b.want(noon.Add(11*time.Minute), "web-0")
	if got := b.toldUses(); len(got) != 1 || len(b.told) != 1 {
		t.Errorf("told %v", got)
	}
}

func TestLoneUsesOfSeveralObjectsAreToldOnceInTenMinutes(t *testing.T) {
	b := newBooks(t)
	for i := range 600 {
		b.use(fmt.Sprint("d", i), "c1", noon, false)
	}
	b.look(noon)
	at := noon.Add(5 * time.Minute)
	for c := range b.uses {
		b.use(c.name, c.id, at, false)
	}
	b.use("d0", "c2", at, false)
	later := b.look(at) // this object is due five minutes after the other one
	for c := range b.uses {
		b.use(c.name, c.id, noon.Add(59*time.Minute), false)
	}
	if names := b.look(noon.Add(time.Hour)); len(later) != 1 || len(names) != 1 || names[0] == later[0] {
		t.Fatalf("written %v after %v", names, later)
	}
	b.want(noon.Add(69 * time.Minute))
	b.want(noon.Add(70*time.Minute), later...)
}

func TestCredentialsThatGoOneByOneLeaveTheReportTogether(t *testing.T) {
	b := newBooks(t)
	for i := range 200 {
		b.use(fmt.Sprint("d", i), "c1", noon, false)
	}
	b.look(noon)
	written := 0
	for i := range 200 {
		delete(b.uses, credential{api.KindClient, "pay", fmt.Sprint("d", i), "c1"})
		written += len(b.look(noon.Add(time.Hour + time.Duration(i)*5*time.Second)))
	}
	if written != 2 {
		t.Errorf("%d writes in a quarter of an hour", written)
	}
}

func TestAWriteThatFailedIsRepeated(t *testing.T) {
	b := newBooks(t)
	b.use("d1", "c1", noon, false)
	b.want(noon, "web-0")
	b.doubt("web-0")
	b.want(noon, "web-0")
	b.doubt("web-0.uses-4") // nobody knows whether it has been made
	b.want(noon, "-web-0.uses-4")
	b.want(noon)
}

func TestARestartedProcessTellsOnWhatItsPredecessorHasTold(t *testing.T) {
	b := newBooks(t)
	for i := range 1200 {
		b.use(fmt.Sprint("d", i), "c1", noon, false)
	}
	b.look(noon)
	var left []*v1alpha1.ReplicaReport
	for _, report := range b.objects {
		left = append(left, report)
	}
	b.ledger = newLedger("web-0", left)
	if len(b.told) != 1200 {
		t.Errorf("%d uses are known", len(b.told))
	}
	b.want(noon.Add(time.Second))
}
