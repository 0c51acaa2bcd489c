package clientauth_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

func TestSourcesAreCountedByAddressAndIPv6By64(t *testing.T) {
	for name, c := range map[string]struct {
		attacker, peer string
		shared         bool
	}{
		"the same address":               {"192.0.2.1", "192.0.2.1", true},
		"a neighbour":                    {"192.0.2.1", "192.0.2.2", false},
		"an IPv4 address, mapped":        {"192.0.2.1", "::ffff:192.0.2.1", true},
		"neighbours, mapped":             {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
		"IPv6, the same /64":             {"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
		"IPv6, another /64":              {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		"IPv6 with a zone":               {"fe80::1%eth0", "fe80::2%eth1", true},
		"IPv4 and IPv6 of the same bits": {"192.0.2.1", "::c000:201", false},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t)
			d.source = c.attacker
			d.fill(wrong())
			d.source = c.peer
			if c.shared {
				d.wantRefused(right(), clientauth.TooManyFailures, clientauth.TooMany)
			} else {
				d.wantIn(right(), api.ClientSecretBasic)
			}
		})
	}
}

func TestTheMemoryOfFailuresIsBounded(t *testing.T) {
	const size = 8
	d := newDoor(t)
	d.clients.Shrink(size)
	d.fill(wrong())
	for i := range 10 * size {
		d.refusals(basic(fmt.Sprintf("nobody%d", i), "x"), 1)
		if got := d.clients.RememberedFailures(); got > 2*size {
			t.Fatalf("it remembers %d", got)
		}
		if i == size-2 {
			d.wantRefused(right(), clientauth.TooManyFailures, clientauth.TooMany) // not forgotten by less than its size
		}
	}
	d.wantIn(right(), api.ClientSecretBasic)
}

func TestWhoGoesOnFailingIsNotForgotten(t *testing.T) {
	const size = 8
	d := newDoor(t)
	d.clients.Shrink(size)
	for i := range clientauth.FailureBurst {
		d.wantRefused(wrong(), clientauth.BadClient, clientauth.WrongSecret)
		d.refusals(basic(fmt.Sprintf("nobody%d", i), "x"), 1)
	}
	d.wantRefused(wrong(), clientauth.TooManyFailures, clientauth.TooMany)
}

func TestManyGuessesAtOnceAreLimitedToo(t *testing.T) {
	w := fixture.New(t)
	clients := w.Authenticator(func(o *clientauth.Options) {
		o.Source = func(*http.Request) netip.Addr { return netip.IPv6Unspecified() }
	})
	const workers, each = 8, 100
	var looked, limited atomic.Int32
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range each {
				in := wrong().build()
				switch _, refusal := clients.Authenticate(nil, in, find(in)); refusal {
				case clientauth.BadClient:
					looked.Add(1)
				case clientauth.TooManyFailures:
					limited.Add(1)
				default:
					t.Errorf("got %q", refusal)
				}
			}
		})
	}
	all.Wait()
	if looked.Load() < clientauth.FailureBurst || looked.Load() > clientauth.FailureBurst+workers || looked.Load()+limited.Load() != workers*each {
		t.Errorf("%d were looked at, %d limited", looked.Load(), limited.Load())
	}
}
