package replica

import (
	"fmt"
	"sync"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func header(kind api.Kind, name string) *api.Header {
	return &api.Header{Kind: kind, Namespace: "pay", Name: name}
}

func everything(credential) (several, ok bool) { return false, true }

func TestTheLatestUseIsRemembered(t *testing.T) {
	u := NewUses()
	client := header(api.KindClient, "d1")
	for _, at := range []time.Time{noon, noon.Add(time.Minute + 999*time.Millisecond), noon.Add(time.Second)} {
		u.Used(client, "c1", at)
	}
	u.Used(header(api.KindGateway, "d1"), "k1", noon)
	got := map[string]int64{}
	for _, use := range u.retain(everything) {
		got[use.object+" "+use.id] = use.seconds - noon.Unix()
	}
	if len(got) != 2 || got["client.pay.d1 c1"] != 60 || got["gateway.pay.d1 k1"] != 0 {
		t.Errorf("got %v", got)
	}
}

func TestWhatIsNotKnownIsForgotten(t *testing.T) {
	u := NewUses()
	for i := range 1000 {
		u.Used(header(api.KindClient, fmt.Sprint("d", i)), "c1", noon)
	}
	kept := u.retain(func(c credential) (several, ok bool) { return true, c.name == "d7" })
	if len(kept) != 1 || kept[0].name != "d7" || !kept[0].several || len(u.retain(everything)) != 1 {
		t.Errorf("kept %v, then %d", kept, len(u.retain(everything)))
	}
}

func TestUsesFromManyGoroutinesAreAllRemembered(t *testing.T) {
	u := NewUses()
	var running sync.WaitGroup
	for worker := range 8 {
		running.Go(func() {
			for i := range 500 {
				u.Used(header(api.KindClient, fmt.Sprint("d", i)), "c1", noon.Add(time.Duration(worker)*time.Second))
			}
		})
	}
	running.Go(func() {
		for range 20 {
			u.retain(everything)
		}
	})
	running.Wait()
	all := u.retain(everything)
	if len(all) != 500 {
		t.Fatalf("%d are remembered", len(all))
	}
	for _, use := range all {
		if use.seconds != noon.Unix()+7 {
			t.Fatalf("%s was used %d s after noon", use.object, use.seconds-noon.Unix())
		}
	}
}

func TestAUseOfWhatIsKnownAllocatesNothing(t *testing.T) {
	u, client := NewUses(), header(api.KindClient, "d1")
	at := noon
	if n := testing.AllocsPerRun(100, func() {
		at = at.Add(time.Second)
		u.Used(client, "c1", at)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTheNameOfAnObjectIsReadBack(t *testing.T) {
	for _, want := range []credential{
		{api.KindClient, "pay", "d1", "c"}, {api.KindClient, "pay", "d1.live.eu", "c"}, {api.KindGateway, "pay", "shop", "k"},
	} {
		if got, ok := parseCredential(want.objectName(), want.id); !ok || got != want {
			t.Errorf("%s: got %+v, %v", want.objectName(), got, ok)
		}
	}
	for _, object := range []string{"", "client", "client.pay", "gateway-secrets.pay.shop", "other.pay.shop", "clients.pay.d1"} {
		if got, ok := parseCredential(object, "c"); ok {
			t.Errorf("%s is read as %+v", object, got)
		}
	}
}

func BenchmarkUsed(b *testing.B) {
	u := NewUses()
	headers := make([]*api.Header, 10_000)
	for i := range headers {
		headers[i] = header(api.KindClient, fmt.Sprintf("merchant-platform-%05d", i))
		u.Used(headers[i], "secret-2026-03-01", noon)
	}
	for name, count := range map[string]int{"one client": 1, "10000 clients": len(headers)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				at := time.Now()
				for i := 0; pb.Next(); i++ {
					u.Used(headers[i%count], "secret-2026-03-01", at)
				}
			})
		})
	}
}
