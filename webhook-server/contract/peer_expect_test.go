package contract_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// TestARefusalDoesNotWaitForABodyThatWasNotAskedFor has a client that waits for 100 Continue before it sends its body (RFC 9110 section
// 10.1.1). Where the server needs no body to refuse, the answer comes at once.
func TestARefusalDoesNotWaitForABodyThatWasNotAskedFor(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.overHTTP1(t, func(v *visit) {
		for name, tc := range map[string]struct {
			r    running.Request
			want want
		}{
			"a bad token":                     {running.N0("x"), wantInvalidToken},
			"no token":                        {running.N0(""), wantNoToken},
			"an unknown gateway":              {v.n0().WithPath(strings.Replace(fixture.NotifyPath, fixture.GatewayID, "MGW_000009", 1)), wantUnknownGateway},
			"a Content-Encoding":              {v.n0().With("Content-Encoding", "gzip"), wantF("content-encoding")},
			"a path that is nobody's":         {v.n0().WithPath("/x"), wantNotFound},
			"a wrong secret":                  {basic(fixture.ClientID, "124"), wantIC},
			"another method":                  {running.T0().WithMethod(http.MethodPut), wantNotAllowed},
			"introspection by a wrong secret": {introspect("x").With("Authorization", fixture.BasicAuthorization(fixture.ClientID, "124")), wantIC},
			"a document":                      {running.T0().WithPath(metadataPath), wantNotAllowed},
		} {
			v.Run(name, func(t *testing.T) {
				t.Parallel()
				c := v.w.Over(v.c.Transport).For(t)
				connection := c.Dial()
				began := time.Now()
				if _, err := connection.Write([]byte(strings.TrimSuffix(withoutClose(tc.r.With("Expect", "100-continue")), tc.r.Body))); err != nil {
					t.Fatal(err)
				}
				a, err := c.ReadAnswer(bufio.NewReader(connection), tc.r.Method, tc.r.Path)
				if err != nil {
					t.Fatalf("no answer after %s: %v", time.Since(began), err)
				}
				tc.want.check(t, a)
				// A body that is waited for is waited for as long as the server's deadline, 15 seconds.
				if took := time.Since(began); took > 8*time.Second {
					t.Errorf("it took %s", took)
				}
			})
		}
	})
}
