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

func TestSourcesAreCountedByTheKeyThatOptionsAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		attacker, peer string
		shared         bool
	}{
		"the same":                       {"192.0.2.1", "192.0.2.1", true},
		"a neighbour":                    {"192.0.2.1", "192.0.2.2", false},
		"IPv6, the same":                 {"2001:db8:1:2::", "2001:db8:1:2::", true},
		"IPv6, another":                  {"2001:db8:1:2::", "2001:db8:1:3::", false},
		"IPv6, another in the last bit":  {"2001:db8:1:2::", "2001:db8:1:2::1", false},
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

func TestTheSourceIsAskedForOnce(t *testing.T) {
	d := newDoor(t)
	for i := range 2 * clientauth.FailureBurst {
		d.knock(wrong())
		d.knock(right())
		d.knock(post())
		if want := 3 * (i + 1); d.asked != want {
			t.Fatalf("asked %d times for %d requests", d.asked, want)
		}
	}
}

// twins are two clients of one id and secret, of two tenants on two hosts. Their resources have the same names in two namespaces.
func twins(t *testing.T) (d *door, other *fixture.World, at, atOther func(request) request) {
	t.Helper()
	d = newDoor(t)
	d.Gateway.Hostnames = []string{"d1.acme.example"}
	d.Publish()
	other = d.Another("globex", "MGW_000002", "is_tbank02")
	for _, document := range []api.Document{other.Client, other.Gateway, other.Secrets} {
		other.Delete(document)
	}
	for _, head := range []*api.Header{&other.Client.Header, &other.Gateway.Header, &other.Secrets.Header} {
		head.Namespace = "globex"
	}
	other.Gateway.Name, other.Secrets.Name, other.Client.Gateway, other.Client.Name = d.Gateway.Name, d.Secrets.Name, d.Client.Gateway, d.Client.Name
	other.Gateway.Hostnames = []string{"d1.globex.example"}
	other.Client.ClientID = fixture.ClientID
	other.Publish()
	on := func(host string) func(request) request {
		return func(r request) request {
			r.host = host
			return r
		}
	}
	return d, other, on("d1.acme.example"), on("d1.globex.example")
}

func TestOneTenantsFailuresDoNotLockOutAnotherTenantsClientOfTheSameId(t *testing.T) {
	for name, attempt := range map[string]request{
		"a wrong secret":                  wrong(),
		"a wrong secret, the id encoded":  basic("is%5Ftbank01", "wrong"),
		"a wrong secret in the body":      post("client_id", fixture.ClientID, "client_secret", "wrong"),
		"a certificate that is not there": post("client_id", fixture.ClientID),
	} {
		t.Run(name, func(t *testing.T) {
			d, other, at, atOther := twins(t)
			d.fill(at(attempt))
			d.wantRefused(at(right()), clientauth.TooManyFailures, clientauth.TooMany)
			if who, refusal := d.knock(atOther(right())); refusal != "" || who.Client.Namespace != other.Client.Namespace {
				t.Errorf("the other tenant's is answered %q as %+v", refusal, who.Client)
			}
			d.fill(atOther(attempt))
			d.wantRefused(atOther(right()), clientauth.TooManyFailures, clientauth.TooMany)
		})
	}
}

func TestOneTenantsAssertionsDoNotLockOutAnotherTenantsClientOfTheSameId(t *testing.T) {
	key, another := fixture.NewClientKey(t, "key", "ES256"), fixture.NewClientKey(t, "other", "ES256")
	d, other, at, atOther := twins(t)
	for _, w := range []*fixture.World{d.World, other} {
		w.UseKeys(key)
		w.Publish()
	}
	d.fill(at(asserting(d.GenuineAssertion(another).Sign(t))))
	d.wantRefused(at(asserting(d.GenuineAssertion(key).Sign(t))), clientauth.TooManyFailures, clientauth.TooMany)
	if _, refusal := d.knock(atOther(asserting(other.GenuineAssertion(key).Sign(t)))); refusal != "" {
		t.Errorf("the other tenant's is answered %q", refusal)
	}
}

func TestFailuresOnAHostWhereNobodyHasTheIdAreNotTheClientsElsewhere(t *testing.T) {
	d, other, _, atOther := twins(t)
	other.Delete(other.Client)
	d.fill(atOther(wrong()))
	d.wantRefused(atOther(wrong()), clientauth.TooManyFailures, clientauth.TooMany)
	in := right()
	in.host = "d1.acme.example"
	d.wantIn(in, api.ClientSecretBasic)
}

func TestAClientWhoseIdLooksLikeAnEncodedOneDoesNotLockOutTheOneItEncodes(t *testing.T) {
	d := newDoor(t)
	other := d.Another("globex", "MGW_000002", "is%5Ftbank01")
	d.fill(basic(other.Client.ClientID, "wrong"))
	d.wantRefused(basic(other.Client.ClientID, "wrong"), clientauth.TooManyFailures, clientauth.TooMany)
	d.wantIn(right(), api.ClientSecretBasic)
	d.wantIn(basic("%69s_tbank01", fixture.ClientSecret), api.ClientSecretBasic)
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
