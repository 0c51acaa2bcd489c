package httpx_test

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

// take acquires until the key is refused, or most times, and answers the slots.
func take(f *httpx.Fair[string], key string, most int) []httpx.Slot[string] {
	var slots []httpx.Slot[string]
	for range most {
		s, ok := f.Acquire(key)
		if !ok {
			break
		}
		slots = append(slots, s)
	}
	return slots
}

func TestOneKeyAloneGetsHalfOfTheSlotsAndAnotherStillFindsOne(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 1, 3: 2, 10: 5, 512: 256} {
		f := httpx.NewFair[string](n)
		if got := len(take(f, "greedy", n+1)); got != want {
			t.Errorf("of %d slots one key got %d, want %d", n, got, want)
		}
		if _, ok := f.Acquire("other"); ok != (n > 1) {
			t.Errorf("of %d slots, another key gets one: %t", n, ok)
		}
	}
}

func TestASlotThatIsGivenBackServesAnyKey(t *testing.T) {
	f := httpx.NewFair[string](4)
	held := take(f, "a", 4)
	held[0].Release()
	if got := f.InUse(); got != len(held)-1 {
		t.Errorf("%d in use", got)
	}
	if _, ok := f.Acquire("b"); !ok {
		t.Error("the slot was lost")
	}
	if _, ok := f.Acquire("b"); !ok {
		t.Error("b has one slot and two are free")
	}
}

// Keys that always want more, while requests end in any order, settle at equal shares.
func TestGreedyKeysSettleAtEqualShares(t *testing.T) {
	const n = 120
	for k := 1; k <= 5; k++ {
		f := httpx.NewFair[string](n)
		random := rand.New(rand.NewPCG(1, uint64(k)))
		held := make([][]httpx.Slot[string], k)
		for range 200 * n {
			key := random.IntN(k)
			held[key] = append(held[key], take(f, string(rune('a'+key)), n)...)
			ends := random.IntN(k)
			if len(held[ends]) > 0 {
				held[ends][0].Release()
				held[ends] = held[ends][1:]
			}
		}
		for key := range held {
			if share, got := n/(k+1), len(held[key]); got < share-k || got > share+k {
				t.Errorf("of %d keys one holds %d, want about %d", k, got, share)
			}
		}
	}
}

// Whatever order slots are taken and given back in: the sum is never more than n, and k keys leave (n+1)/2^k - 1 free, so that a
// newcomer finds a slot.
func TestNoFewKeysCanTakeEverySlot(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 0))
		n, keys := 1+random.IntN(600), 1+random.IntN(12)
		f := httpx.NewFair[int](n)
		held := make([][]httpx.Slot[int], keys)
		inUse := 0
		greed := random.Float64()
		for range 20 * n {
			key := random.IntN(keys)
			if random.Float64() < greed || len(held[key]) == 0 {
				if s, ok := f.Acquire(key); ok {
					held[key] = append(held[key], s)
					inUse++
				}
			} else {
				held[key][0].Release()
				held[key] = held[key][1:]
				inUse--
			}
			holders := 0
			for _, h := range held {
				if len(h) > 0 {
					holders++
				}
			}
			if got := f.InUse(); got != inUse || got > n {
				t.Fatalf("seed %d: %d in use, want %d of at most %d", seed, got, inUse, n)
			}
			if least := (n+1)/(1<<holders) - 1; n-inUse < least {
				t.Fatalf("seed %d: %d keys left %d of %d slots, want %d", seed, holders, n-inUse, n, least)
			}
		}
		s, ok := f.Acquire(keys)
		if ok != (inUse < n) {
			t.Fatalf("seed %d: with %d of %d in use a newcomer gets a slot: %t", seed, inUse, n, ok)
		}
		if ok {
			s.Release()
		}
	}
}

func TestManyKeysOneAfterAnotherAreForgotten(t *testing.T) {
	f := httpx.NewFair[int](4)
	stays, _ := f.Acquire(-1)
	for key := range 10_000 {
		s, ok := f.Acquire(key)
		if !ok {
			t.Fatalf("key %d finds no slot", key)
		}
		s.Release()
	}
	if s, ok := f.Acquire(-1); ok {
		defer s.Release()
	}
	if got := f.InUse(); got != 2 {
		t.Errorf("%d in use, want the two of the key that stayed", got)
	}
	if _, ok := f.Acquire(-1); ok {
		t.Error("what the key holds was forgotten")
	}
	stays.Release()
}

func TestFairAcrossGoroutinesNeverExceedsItsSlots(t *testing.T) {
	const n = 8
	f := httpx.NewFair[int](n)
	var now atomic.Int64
	var running sync.WaitGroup
	for key := range 16 {
		running.Go(func() {
			for range 2000 {
				s, ok := f.Acquire(key % 5)
				if !ok {
					continue
				}
				if got := now.Add(1); got > n {
					t.Errorf("%d at once", got)
				}
				now.Add(-1)
				s.Release()
			}
		})
	}
	running.Wait()
	if got := f.InUse(); got != 0 {
		t.Errorf("%d slots were not given back", got)
	}
}

// benchmarkKey is of the size of a request's key: where it comes from and what it is for.
type benchmarkKey struct {
	source  netip.Addr
	gateway string
}

func BenchmarkFair(b *testing.B) {
	keys := make([]benchmarkKey, 64)
	for i := range keys {
		keys[i] = benchmarkKey{netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), "MGW_000001"}
	}
	f := httpx.NewFair[benchmarkKey](512)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for i := 0; p.Next(); i++ {
			if s, ok := f.Acquire(keys[i%len(keys)]); ok {
				s.Release()
			}
		}
	})
}
