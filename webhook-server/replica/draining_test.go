package replica

import (
	"errors"
	"fmt"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// undelivered answers what is told of the base gateway; -1 when nothing is.
func (w *world) undelivered() int64 {
	w.t.Helper()
	for _, d := range w.own().Draining {
		if d.Namespace == w.Gateway.Namespace && d.Name == w.Gateway.Name && d.UID == w.Gateway.UID {
			return *d.Undelivered
		}
	}
	return -1
}

func (w *world) wantUndelivered(n int64) {
	w.t.Helper()
	if got := w.undelivered(); got != n {
		w.t.Errorf("%d notifications are told, want %d", got, n)
	}
}

func lane(name string, waiting int) store.LaneStats {
	return store.LaneStats{Lane: name, Waiting: waiting, Dead: 9}
}

// drain begins to delete the base gateway.
func (w *world) drain() {
	w.Gateway.UID, w.Gateway.Draining = "uid-1", true
	w.Publish()
	w.settle()
}

func TestTheNotificationsOfADrainingGatewayAreCounted(t *testing.T) {
	inBubble(t, func(w *world) {
		w.run()
		if w.own().Draining != nil {
			t.Error("a gateway drains that does not")
		}
		w.setLanes(nil, lane("payments/acme/MGW_000001", 3), lane("payments/acme/MGW_000001/40010000001", 4),
			lane("payments/acme-2/MGW_000001", 100), lane("other/acme/MGW_000001", 100), lane("payments/acme/MGW_0000010", 100), lane("payments/acme/", 100), lane("payments/acme", 100), lane("", 100))
		w.pass(time.Second)
		w.drain()
		w.wantUndelivered(7)
		w.setLanes(nil, lane("payments/acme/MGW_000001", 2))
		w.pass(time.Second)
		w.wantUndelivered(2)
		before := w.writes()
		w.pass(time.Minute)
		w.wantWrites(before)
	})
}

func TestAnEmptyGatewayIsToldEmptyOnlyWhenNoRequestCanBeUnderWay(t *testing.T) {
	inBubble(t, func(w *world) {
		w.run()
		w.drain()
		w.wantUndelivered(-1)
		w.pass(settle - time.Second)
		w.wantUndelivered(-1)
		w.pass(2 * time.Second)
		w.wantUndelivered(0)
	})
}

func TestWhileTheStoreCannotBeAskedTheLastCountStays(t *testing.T) {
	inBubble(t, func(w *world) {
		w.run()
		w.setLanes(errors.New("the store is away"))
		w.drain()
		w.pass(time.Minute)
		w.wantUndelivered(-1)
		w.setLanes(nil, lane("payments/acme/MGW_000001", 5))
		w.pass(time.Second)
		w.wantUndelivered(5)
		w.setLanes(errors.New("the store is away"))
		w.pass(time.Minute)
		w.wantUndelivered(5)
		w.setLanes(nil)
		w.pass(time.Second)
		w.wantUndelivered(0)
	})
}

func TestAGatewayThatIsGoneLeavesTheReportAndALaterOneOfItsNameBeginsAnew(t *testing.T) {
	inBubble(t, func(w *world) {
		w.run()
		w.drain()
		w.pass(time.Minute)
		w.wantUndelivered(0)
		w.Gateway.UID = "uid-2"
		w.Publish()
		w.pass(time.Second)
		w.wantUndelivered(-1)
		w.pass(settle)
		w.wantUndelivered(0)
		w.Delete(w.Gateway)
		w.pass(2 * time.Second)
		w.wantUndelivered(-1)
	})
}

func TestWhatAFormerGatewayOfTheNameHasLeftIsNotCounted(t *testing.T) {
	inBubble(t, func(w *world) {
		w.run()
		w.setLanes(nil, lane("payments/acme/MGW_FORMER", 7), lane("payments/acme/MGW_FORMER/40010000001", 7), lane("payments/acme/MGW_000001/40010000001", 2))
		w.pass(time.Second)
		w.drain()
		w.wantUndelivered(2)
		w.setLanes(nil, lane("payments/acme/MGW_FORMER", 7), lane("payments/acme/MGW_FORMER/40010000001", 7))
		w.pass(settle + time.Second)
		w.wantUndelivered(0)
	})
}

func TestOfMoreDrainingGatewaysThanAReportHoldsTheEmptyOnesAreToldFirst(t *testing.T) {
	d := drainage{settle: settle}
	var gateways []*serving.Gateway
	var lanes []store.LaneStats
	for i := range 1500 {
		g := &serving.Gateway{Gateway: &api.Gateway{Header: api.Header{Namespace: "ns", Name: fmt.Sprintf("g%04d", i), UID: "u"}, GatewayID: "MGW_000001"}}
		gateways = append(gateways, g)
		if i < 1200 {
			lanes = append(lanes, lane("ns/"+g.Name+"/MGW_000001", 1+i%3))
		}
	}
	now := time.Now()
	d.follow(gateways, now)
	d.count(lanes, now.Add(settle))
	list := d.list()
	if len(list) != 1000 {
		t.Fatalf("%d are told", len(list))
	}
	for i, g := range list {
		want, empty := fmt.Sprintf("g%04d", i-300), false
		if i < 300 {
			want, empty = fmt.Sprintf("g%04d", 1200+i), true
		}
		if g.Name != want || (*g.Undelivered == 0) != empty {
			t.Fatalf("at %d is told %s with %d", i, g.Name, *g.Undelivered)
		}
	}
}

func TestTheStoreIsNamedAndTheLastWordIsACountOfIt(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setLanes(nil, lane("payments/acme/MGW_000001", 5))
		w.run()
		w.pass(time.Second)
		w.drain()
		w.wantUndelivered(5)
		if got := w.own().StoreID; got != "store-1" {
			t.Errorf("the store is %q", got)
		}
		w.setLanes(nil, lane("payments/acme/MGW_000001", 1)) // the others have been delivered since
		w.reporter.Stop(w.t.Context())
		w.wantUndelivered(1)
	})
}
