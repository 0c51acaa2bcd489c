package running_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/hack/merchant/merchant"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

func TestEachTransportIsSpokenAsItIsNamed(t *testing.T) {
	t.Parallel()
	for _, w := range []*running.World{running.Start(t, nil), running.StartTLS(t, nil)} {
		for _, transport := range w.Transports() {
			t.Run(transport.Name, func(t *testing.T) {
				c := w.Over(transport).For(t)
				a := c.Do(running.N0(w.Token(c)))
				if want := map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"}[transport.HTTP2]; a.Status != http.StatusNoContent || a.Proto != want {
					t.Errorf("answer %s by %s", a, a.Proto)
				}
				if d := w.Delivered(); d.Outcome != merchant.Accepted {
					t.Errorf("delivery %+v", d)
				}
			})
		}
	}
}

func TestPublishReturnsWhenTheChangeIsServed(t *testing.T) {
	t.Parallel()
	w := running.Start(t, nil)
	c := w.Client()
	for range 2 {
		w.Documents.Client.Suspended = !w.Documents.Client.Suspended
		w.Publish()
		if got := c.Do(running.T0()).Status == http.StatusOK; got == w.Documents.Client.Suspended {
			t.Errorf("suspended %v, a token is issued %v", w.Documents.Client.Suspended, got)
		}
	}
	w.Another("globex", "MGW_000002", "globex-d1")
	w.Publish()
	w.TokenOf(c, "globex-d1", fixture.ClientSecret)
	w.Remove(w.Documents.Gateway)
	w.AwaitServed()
	if a := c.Do(running.N0("")); a.Status != http.StatusNotFound {
		t.Errorf("the removed gateway is answered %s", a)
	}
}

func TestWhatAClientSendsAreTheBytesItWasGiven(t *testing.T) {
	t.Parallel()
	w := running.Start(t, nil)
	c := w.Client()
	text := running.T0().Text()
	if a := c.Raw(http.MethodPost, text); a.Token() == "" {
		t.Errorf("answer %s", a)
	}
	if a := c.Raw(http.MethodPost, strings.Replace(text, "POST", "GET", 1)); a.Status != http.StatusMethodNotAllowed {
		t.Errorf("answer %s", a)
	}
	for _, path := range []string{"//oauth2/token", "/oauth2%2Ftoken", "/x/../oauth2/token"} {
		if a := c.Do(running.T0().WithPath(path)); a.Status != http.StatusNotFound {
			t.Errorf("%s is answered %s", path, a)
		}
	}
}
