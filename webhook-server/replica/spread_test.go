package replica

import (
	"fmt"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

func TestManyUsesAreSpreadAndAChangeWritesOneObject(t *testing.T) {
	b := newBooks(t)
	b.want(noon, "web-0")
	for i := range 10_000 {
		b.use(fmt.Sprint("d", i), "c1", noon, false)
	}
	names := b.look(noon)
	if len(names) != 32 || b.further != 32 || len(b.toldUses()) != 10_000 || len(b.objects["web-0"].Uses) != 0 {
		t.Fatalf("%d objects written, %d uses told", len(names), len(b.toldUses()))
	}
	for name, report := range b.objects {
		if len(report.Uses) > 500 || (report.Documents != nil) != (name == "web-0" && b.facts.documents != nil) {
			t.Errorf("%s holds %d uses", name, len(report.Uses))
		}
	}
	b.use("d77", "c2", noon, true)
	if names := b.look(noon.Add(time.Minute)); len(names) != 1 || !strings.HasPrefix(names[0], "web-0.uses-") {
		t.Errorf("for one use were written %v", names)
	}
	b.facts.documents = &v1alpha1.ServedDocuments{ConfigMapsVersion: "1", SecretsVersion: "2"}
	b.want(noon.Add(2*time.Minute), "web-0")
}

func TestNoUseIsMissingWhileObjectsAreSplitAndJoined(t *testing.T) {
	b := newBooks(t)
	add := func(from, to int) {
		for i := from; i < to; i++ {
			b.use(fmt.Sprint("d", i), "c1", noon, false)
		}
	}
	add(0, 500)
	b.want(noon, "web-0")
	at, count := noon, 500
	for _, next := range []int{501, 1000, 1001, 4001, 2000, 800, 500, 251, 250, 10} {
		before := b.toldUses()
		if next < count {
			for i := next; i < count; i++ {
				delete(b.uses, credential{api.KindClient, "pay", fmt.Sprint("d", i), "c1"})
			}
		}
		add(count, next)
		var uses []use
		for _, u := range b.uses {
			uses = append(uses, u)
		}
		at = at.Add(time.Hour)
		p := b.everything(b.facts, uses, at, false)
		for _, report := range p.writes {
			b.objects[report.Name] = report
			b.wrote(report)
			told := b.toldUses()
			for i := range min(count, next) {
				if _, ok := told[fmt.Sprintf("client.pay.d%d c1", i)]; !ok {
					t.Fatalf("from %d to %d: d%d is told by no object after %s was written", count, next, i, report.Name)
				}
			}
		}
		for _, name := range p.deletes {
			delete(b.objects, name)
			b.deleted(name)
		}
		if told := b.toldUses(); len(told) != next || len(b.told) != next || len(b.objects) != b.further+1 {
			t.Fatalf("from %d (%d) to %d: %d are told (%d known) in %d objects", count, len(before), next, len(told), len(b.told), len(b.objects))
		}
		if names := b.look(at.Add(time.Second)); len(names) != 0 {
			t.Fatalf("at %d the second look writes %v", next, names)
		}
		count = next
	}
	if b.further != 0 {
		t.Errorf("the few that are left are in %d further objects", b.further)
	}
}

func TestObjectsAreNotRewrittenTimeAndAgainAtABorder(t *testing.T) {
	b := newBooks(t)
	for i := range 501 {
		b.use(fmt.Sprint("d", i), "c1", noon, false)
	}
	b.look(noon)
	gone := credential{api.KindClient, "pay", "d500", "c1"}
	written := 0
	for i := range 10 {
		if i%2 == 0 {
			delete(b.uses, gone)
		} else {
			b.use("d500", "c1", noon, false)
		}
		written += len(b.look(noon.Add(time.Duration(i) * time.Second)))
	}
	if written > 5 {
		t.Errorf("%d writes", written)
	}
}

func TestObjectsThatCouldNotAllBeJoinedAreJoinedLater(t *testing.T) {
	b := newBooks(t)
	for i := range 1100 {
		b.use(fmt.Sprint("d", i), "c1", noon, false)
	}
	b.look(noon)
	for i := 400; i < 1100; i++ {
		delete(b.uses, credential{api.KindClient, "pay", fmt.Sprint("d", i), "c1"})
	}
	var uses []use
	for _, u := range b.uses {
		uses = append(uses, u)
	}
	// Only the first of the objects is written, then the API server is away.
	first := b.everything(b.facts, uses, noon.Add(time.Hour), false).writes[0]
	b.objects[first.Name] = first
	b.wrote(first)
	b.look(noon.Add(time.Hour + time.Second))
	if told := b.toldUses(); len(told) != 400 || len(b.objects) != 3 {
		t.Errorf("%d uses are told in %d objects", len(told), len(b.objects))
	}
}

func BenchmarkLookAt10000Uses(b *testing.B) {
	l := newLedger("web-0", nil)
	uses := make([]use, 10_000)
	for i := range uses {
		c := credential{api.KindClient, "pay", fmt.Sprint("d", i), "c1"}
		uses[i] = use{credential: c, object: c.objectName(), seconds: noon.Unix()}
	}
	for _, report := range l.everything(facts{}, uses, noon, false).writes {
		l.wrote(report)
	}
	for b.Loop() {
		if p := l.everything(facts{}, uses, noon.Add(time.Minute), false); !p.empty() {
			b.Fatal("something is written")
		}
	}
}
