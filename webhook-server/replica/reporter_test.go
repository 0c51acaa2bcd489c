package replica

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

func TestTheFirstReportAndThenTheLeaseMakeTheReplicaReady(t *testing.T) {
	inBubble(t, func(w *world) {
		w.run()
		d := w.own().Documents
		if d.ConfigMapsVersion != "10" || d.SecretsVersion != "20" || *d.Served != 3 || *d.RefusedCount != 0 {
			t.Errorf("told %+v", d)
		}
		if !slices.Equal(w.cluster.events, []string{"put", "renew"}) || !w.isReady() {
			t.Errorf("events %v, ready %v", w.cluster.events, w.isReady())
		}
		if !w.seen.renewed.Equal(time.Now()) || w.seen.written != 1 {
			t.Errorf("observed %+v", w.seen)
		}
	})
}

func TestNothingIsWrittenInADayWithoutTraffic(t *testing.T) {
	inBubble(t, func(w *world) {
		w.authenticate("first")
		w.run()
		w.pass(10 * time.Second)
		before := w.writes()
		w.pass(24 * time.Hour)
		w.wantWrites(before)
		if n := len(w.cluster.renewals); n != 24*360+2 {
			t.Errorf("%d renewals", n)
		}
	})
}

func TestAnHourOfTrafficIsFewWrites(t *testing.T) {
	inBubble(t, func(w *world) {
		w.run()
		w.wantWrites(1)
		for range 3600 {
			w.authenticate("first")
			w.uses.Used(&w.Gateway.Header, w.Gateway.SigningKeys[0], time.Now())
			w.pass(time.Second)
		}
		if n := w.writes(); n > 3 {
			t.Errorf("%d writes", n)
		}
		if uses := w.own().Uses; len(uses) != 2 || uses[0].Document != "client.payments.acme-d1" || uses[1].Document != "gateway.payments.acme" {
			t.Errorf("told %+v", uses)
		}
	})
}

func TestAFirstUseIsToldWithinTenSeconds(t *testing.T) {
	inBubble(t, func(w *world) {
		w.run()
		w.pass(3 * time.Second)
		w.authenticate("first")
		at := time.Now()
		w.pass(10 * time.Second)
		if uses := w.own().Uses; len(uses) != 1 || uses[0].LastUsedTime.Unix() != at.Unix() {
			t.Errorf("told %+v", uses)
		}
	})
}

func TestAnUnknownCredentialIsNotTold(t *testing.T) {
	inBubble(t, func(w *world) {
		w.run()
		w.authenticate("of-last-year")
		w.pass(time.Minute)
		w.wantWrites(1)
		if n := len(w.uses.retain(func(credential) (several, ok bool) { return false, true })); n != 0 {
			t.Errorf("%d uses are remembered", n)
		}
	})
}

func TestOfTwoLiveCredentialsEachUseIsToldWithinAMinute(t *testing.T) {
	inBubble(t, func(w *world) {
		now := time.Now().UTC()
		w.Client.Credentials = []api.Credential{fixture.Credential("second", "s2", now), fixture.Credential("first", "s1", now)}
		w.Client.Credentials[1].ExpiresAt = now.Add(time.Hour)
		w.Publish()
		w.authenticate("first")
		w.run()
		for range 30 {
			w.pass(10 * time.Second)
			w.authenticate("first")
		}
		last := time.Now()
		w.pass(70 * time.Second)
		if got := w.own().Uses[0].LastUsedTime; got.Unix() != last.Unix() {
			t.Errorf("told %v, last used %v", got, last)
		}
		if n := w.writes(); n > 8 {
			t.Errorf("%d writes in five minutes", n)
		}
	})
}

func TestUsesAreKeptWhileADocumentIsNotServedAtAll(t *testing.T) {
	inBubble(t, func(w *world) {
		w.authenticate("first")
		w.run()
		w.pass(10 * time.Second)
		w.Delete(w.Client)
		w.State.Apply([]serving.Update{{Object: w.Client.ObjectName(), Data: []byte("{")}})
		w.pass(time.Hour)
		if uses := w.own().Uses; len(uses) != 1 {
			t.Errorf("told %+v", uses)
		}
		if r := w.own().Documents.Refused; len(r) != 1 || r[0].Object != w.Client.ObjectName() {
			t.Errorf("refused %+v", r)
		}
		w.Delete(w.Client)
		w.pass(time.Hour)
		if d := w.own(); len(d.Uses) != 0 || len(d.Documents.Refused) != 0 {
			t.Errorf("of a client that is gone is told %+v, %+v", d.Uses, d.Documents.Refused)
		}
	})
}

func TestChangesAreToldAtOnceAndThenTogether(t *testing.T) {
	inBubble(t, func(w *world) {
		w.run()
		w.pass(time.Second)
		start := time.Now()
		for i := range 100 {
			w.reach(fmt.Sprint(100+i), "20")
			w.pass(10 * time.Millisecond)
		}
		w.pass(time.Second)
		var at []time.Duration
		for _, when := range w.cluster.writes[1:] {
			at = append(at, when.Sub(start))
		}
		want := []time.Duration{0, 250 * time.Millisecond, 500 * time.Millisecond, 750 * time.Millisecond, time.Second}
		if !slices.Equal(at, want) || w.own().Documents.ConfigMapsVersion != "199" {
			t.Errorf("written after %v, at last version %s", at, w.own().Documents.ConfigMapsVersion)
		}
		w.State.Apply(nil)
		w.pass(time.Minute)
		w.wantWrites(6)
	})
}

func TestWhatSomebodyElseChangedIsWrittenAgain(t *testing.T) {
	inBubble(t, func(w *world) {
		w.run()
		w.cluster.set(func(f *fakeCluster) { f.changed = []string{"web-0"}; delete(f.objects, "web-0") })
		w.pass(61 * time.Second)
		w.own()
		w.wantWrites(2)
		w.pass(time.Hour)
		w.wantWrites(2)
	})
}

func TestARestartedProcessKeepsWhatWasToldOfUses(t *testing.T) {
	inBubble(t, func(w *world) {
		w.authenticate("first")
		w.run()
		w.pass(10 * time.Second)
		before := w.writes()
		told := w.own().Uses[0].LastUsedTime
		w.cancel()
		<-w.ended
		w.uses, w.ended = NewUses(), make(chan struct{})
		w.renew()
		w.run()
		w.pass(time.Hour)
		if uses := w.own().Uses; len(uses) != 1 || !uses[0].LastUsedTime.Equal(&told) || !w.isReady() {
			t.Errorf("told %+v, ready %v", uses, w.isReady())
		}
		w.wantWrites(before)
	})
}

func TestAnotherProcessOfTheSameNameIsLoggedOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		w.cluster.rival = "web-0_other"
		w.run()
		w.pass(time.Hour)
		if n := strings.Count(w.log.String(), "--replica-name"); n != 1 {
			t.Errorf("logged %d times", n)
		}
	})
}

func TestStopTellsEveryUseAndThenGivesTheLeaseBack(t *testing.T) {
	inBubble(t, func(w *world) {
		w.authenticate("first")
		w.run()
		w.pass(10 * time.Second)
		w.authenticate("first")
		last := time.Now()
		w.pass(time.Second)
		w.reporter.Stop(w.t.Context())
		if got := w.own().Uses[0].LastUsedTime; got.Unix() != last.Unix() {
			t.Errorf("told %v, last used %v", got, last)
		}
		if n := len(w.cluster.events); n < 2 || !slices.Equal(w.cluster.events[n-2:], []string{"put", "release"}) {
			t.Errorf("events %v", w.cluster.events)
		}
	})
}

func TestStopBeforeTheDocumentsWereThereEnds(t *testing.T) {
	inBubble(t, func(w *world) {
		w.State = serving.NewState(w.reporter.options.Logger)
		w.renew()
		w.run()
		w.reporter.Stop(w.t.Context())
		<-w.ended
		if w.writes() != 0 || w.isReady() {
			t.Errorf("%d writes", w.writes())
		}
	})
}
