package discovery_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/discovery"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

func TestEveryPathOfADocumentAnswersTheSame(t *testing.T) {
	for document, paths := range map[discovery.Document][]string{
		discovery.Metadata: {rfc8414 + issuerPath, issuerPath + rfc8414, rfc8414, rfc8414 + issuerPath + "?x=y", "/.well-known/oauth%2Dauthorization-server"},
		discovery.KeySet:   {issuerPath + jwks, jwks, issuerPath + "/%2Ewell-known/jwks.json"},
	} {
		e := newEndpoint(t)
		want := e.send(http.MethodGet, paths[0])
		for _, path := range paths {
			got := e.send(http.MethodGet, path)
			if got.status != http.StatusOK || got.body == "" || got.body != want.body {
				t.Errorf("%s is answered %d %s", path, got.status, got.body)
			}
			if e.observer.last != [3]string{string(document), "served", fixture.GatewayID} {
				t.Errorf("observed %v", e.observer.last)
			}
		}
	}
}

func TestHEADIsAnsweredLikeGETWithoutABody(t *testing.T) {
	e := newEndpoint(t)
	for _, path := range []string{rfc8414 + issuerPath, issuerPath + jwks} {
		get, head := e.send(http.MethodGet, path), e.send(http.MethodHead, path)
		get.header.Del("Date")
		head.header.Del("Date")
		if head.status != http.StatusOK || head.body != "" || head.header.Get("Content-Length") == "" {
			t.Errorf("%s is answered %d %v", path, head.status, head.header)
		}
		for name, values := range get.header {
			if !slices.Equal(head.header[name], values) {
				t.Errorf("%s: %s is %v with HEAD, %v with GET", path, name, head.header[name], values)
			}
		}
	}
}

func TestWhatIsNotServed(t *testing.T) {
	for name, c := range map[string]struct {
		method, path string
		status       int
		last         [3]string
	}{
		"POST to the metadata":      {"POST", rfc8414 + issuerPath, 405, [3]string{"metadata", "method_not_allowed", fixture.GatewayID}},
		"DELETE of the keys":        {"DELETE", issuerPath + jwks, 405, [3]string{"jwks", "method_not_allowed", fixture.GatewayID}},
		"get in lower case":         {"get", jwks, 405, [3]string{"jwks", "method_not_allowed", fixture.GatewayID}},
		"an unknown gateway":        {"GET", otherIssuer + jwks, 404, [3]string{"jwks", "not_found", ""}},
		"POST to an unknown one":    {"POST", otherIssuer + jwks, 404, [3]string{"jwks", "not_found", ""}},
		"a prefix of nobody's":      {"GET", rfc8414 + "/d1" + issuerPath, 404, [3]string{"metadata", "not_found", ""}},
		"an encoded slash":          {"GET", "/merchant-gateways%2FMGW_000001" + jwks, 404, [3]string{}},
		"two slashes":               {"GET", "/" + jwks, 404, [3]string{}},
		"dots":                      {"GET", "/x/.." + jwks, 404, [3]string{}},
		"a slash at the end":        {"GET", jwks + "/", 404, [3]string{}},
		"OpenID Connect, which not": {"GET", "/.well-known/openid-configuration", 404, [3]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			got := e.send(c.method, c.path)
			if got.status != c.status || got.body != "" || got.header.Get("Content-Type") != "" {
				t.Errorf("answered %d %v %s", got.status, got.header, got.body)
			}
			if allow := got.header.Get("Allow"); (allow == "GET, HEAD") != (c.status == 405) {
				t.Errorf("Allow is %q", allow)
			}
			if e.observer.last != c.last {
				t.Errorf("observed %v, want %v", e.observer.last, c.last)
			}
		})
	}
}

func TestWhatMayBeThereLaterIsAnswered503(t *testing.T) {
	empty := new(serving.Snapshot)
	for name, c := range map[string]struct {
		options func(*discovery.Options)
		world   func(*fixture.World)
	}{
		"nothing has been read": {func(o *discovery.Options) {
			o.Snapshot, o.Ready = func() *serving.Snapshot { return empty }, func() bool { return false }
		}, func(*fixture.World) {}},
		"it is still being read": {func(o *discovery.Options) { o.Ready = func() bool { return false } }, func(*fixture.World) {}},
		"the gateway is in a document that cannot be served": {func(*discovery.Options) {}, func(w *fixture.World) {
			w.Delete(w.Gateway)
			w.State.Apply([]serving.Update{{Object: w.Gateway.ObjectName(), Data: []byte("{")}})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t, c.options)
			c.world(e.World)
			for _, path := range []string{rfc8414 + issuerPath, issuerPath + jwks, rfc8414, jwks} {
				got := e.send(http.MethodGet, path)
				if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") != "2" || got.body != "" || got.header.Get("Cache-Control") != "" {
					t.Errorf("%s is answered %d %v %s", path, got.status, got.header, got.body)
				}
				if e.observer.last[1] != string(discovery.NotReady) {
					t.Errorf("observed %v", e.observer.last)
				}
			}
		})
	}
}

func TestADocumentIsWrittenOnceForEachSnapshot(t *testing.T) {
	e := newEndpoint(t)
	document := func() []byte {
		body, err := e.handler.Cached(e.Snapshot(), e.Compiled(), discovery.KeySet)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	first := document()
	if again := document(); &first[0] != &again[0] {
		t.Error("it was written again")
	}
	e.Secrets.SigningKeys[0] = fixture.SigningKey(t, "acme-key-1", api.ES256, fixture.Now())
	e.Publish()
	if next := document(); string(next) == string(first) {
		t.Error("the old key is still published")
	}
}

func TestAnOlderSnapshotGetsItsOwnDocument(t *testing.T) {
	e := newEndpoint(t)
	before, gateway := e.Snapshot(), e.Compiled()
	e.Secrets.SigningKeys[0] = fixture.SigningKey(t, "acme-key-1", api.ES256, fixture.Now())
	e.Publish()
	current, err := e.handler.Cached(e.Snapshot(), e.Compiled(), discovery.KeySet)
	if err != nil {
		t.Fatal(err)
	}
	older, err := e.handler.Cached(before, gateway, discovery.KeySet)
	if err != nil || string(older) == string(current) {
		t.Errorf("a request that began earlier got %s, %v", older, err)
	}
	again, err := e.handler.Cached(e.Snapshot(), e.Compiled(), discovery.KeySet)
	if err != nil || string(again) != string(current) {
		t.Errorf("the next request got %s, %v", again, err)
	}
}

func TestNoOtherTenantAndNoSecretIsInADocument(t *testing.T) {
	const planted = "planted-4111111111111111"
	e := newEndpoint(t)
	other := e.Another("globex", "MGW_000002", "is_tbank02")
	e.Client.Credentials[0] = fixture.Credential("first", planted, fixture.Now())
	e.Gateway.Delivery.URL = "https://" + planted + ".example/"
	e.Publish()
	for _, path := range []string{rfc8414 + issuerPath, issuerPath + rfc8414, issuerPath + jwks} {
		got := e.send(http.MethodGet, path)
		text := got.body
		for name, values := range got.header {
			text += name + strings.Join(values, " ")
		}
		for _, unwanted := range []string{"globex", "MGW_000002", other.Secrets.SigningKeys[0].ID, "payments", planted, "is_tbank01", "PRIVATE", `"d":`, "Server", "null"} {
			if strings.Contains(text, unwanted) {
				t.Errorf("%s answers %q: %s", path, unwanted, text)
			}
		}
	}
	for _, path := range []string{rfc8414, jwks} {
		if got := e.send(http.MethodGet, path); got.status != http.StatusNotFound {
			t.Errorf("with two gateways on the host %s is answered %d", path, got.status)
		}
	}
	e.Delete(other.Gateway)
	if got := e.send(http.MethodGet, jwks); got.status != http.StatusOK {
		t.Errorf("after the other gateway has gone %s is answered %d", jwks, got.status)
	}
}

func BenchmarkKeySet(b *testing.B) {
	w := fixture.New(b)
	h := discovery.NewHandler(discovery.Options{
		Snapshot: w.State.Snapshot, Ready: w.State.Synced, Observer: new(observer), RetryAfter: time.Second,
	})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Cached(w.Snapshot(), w.Compiled(), discovery.KeySet); err != nil {
			b.Fatal(err)
		}
	}
}
