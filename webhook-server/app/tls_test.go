package app_test

import (
	"crypto/tls"
	"crypto/x509/pkix"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

var (
	later   = time.Now().Add(time.Hour)
	subject = pkix.Name{CommonName: "d1-out", Organization: []string{"Thales"}}
)

// mutual makes the gateway require a client certificate of the CA and look at no token.
func mutual(ca *running.Authority) func(w *running.World) {
	return func(w *running.World) {
		w.RequireClientCertificate(ca, "CN=d1-out,O=Thales")
		w.Documents.Gateway.OAuthDisabled = true
	}
}

func TestAGatewayWithClientCertificatesIsNotReachedInPlainHTTP(t *testing.T) {
	t.Parallel()
	w := running.Start(t, mutual(running.NewAuthority(t, "Thales client CA")))
	if a := w.Client().Do(running.N0("")); a.Status != http.StatusUnauthorized {
		t.Errorf("answer %s", a)
	}
}

func TestWhereAGatewayWithoutClientCertificatesSharesTheHostTheOtherStillRequiresThem(t *testing.T) {
	t.Parallel()
	thales := running.NewAuthority(t, "Thales client CA")
	w := running.StartTLS(t, mutual(thales))
	if _, err := w.Client().Try(t.Context(), running.T0()); err == nil {
		t.Fatal("without a client certificate the handshake passes")
	}
	w.Another("globex", "MGW_000002", "globex-d1")
	w.Publish()
	w.TokenOf(w.Client(), "globex-d1", "123")
	if a := w.Client().Do(running.N0("")); a.Status != http.StatusUnauthorized {
		t.Errorf("without a client certificate the answer is %s", a)
	}
	if a := w.Over(running.TLS13, thales.Leaf(subject, later)).Do(running.N0("")); a.Status != http.StatusNoContent {
		t.Errorf("with one the answer is %s", a)
	}
}

func TestANewServerCertificateWorksWithoutARestartAndAHalfWrittenOneChangesNothing(t *testing.T) {
	t.Parallel()
	w := running.StartTLS(t, nil)
	served := func() string {
		c := w.Over(running.TLS13).Dial()
		defer func() { _ = c.Close() }()
		return c.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	if got := served(); got != "server" {
		t.Fatalf("served is %q", got)
	}
	next := w.CA.Leaf(pkix.Name{CommonName: "next"}, later)
	w.CA.WriteFiles(next, w.Options.TLSCertFile, filepath.Join(t.TempDir(), "elsewhere"))
	w.Eventually("the mismatch is not logged", func() bool { return served() == "server" && strings.Contains(w.Log.String(), "cannot be used") })
	w.CA.WriteFiles(next, w.Options.TLSCertFile, w.Options.TLSPrivateKeyFile)
	w.Eventually("the new certificate is not served", func() bool { return served() == "next" })
}
