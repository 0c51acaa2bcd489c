package accesstoken_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
)

func thumbprint(of string) string {
	sum := sha256.Sum256([]byte(of))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func boundTo(thumbprint string) func(*accesstoken.Grant) {
	return func(g *accesstoken.Grant) { g.Thumbprint = thumbprint }
}

func TestCnfStandsInATokenOnlyWhenItIsBound(t *testing.T) {
	w := fixture.New(t)
	if _, claims := decode(t, w.AccessToken(fixture.Now())); claims["cnf"] != nil {
		t.Errorf("an unbound token has cnf %v", claims["cnf"])
	}
	own := thumbprint("own")
	_, claims := decode(t, w.AccessToken(fixture.Now(), boundTo(own)))
	cnf, _ := claims["cnf"].(map[string]any)
	if len(cnf) != 1 || cnf["x5t#S256"] != own {
		t.Errorf("cnf is %v, want x5t#S256 %s", claims["cnf"], own)
	}
}

func TestATokenAndTheCertificateItIsBoundTo(t *testing.T) {
	own, others := thumbprint("own"), thumbprint("another's")
	for name, c := range map[string]struct {
		gatewayBinds  bool
		bound         string
		needs         bool
		good, refused []string
	}{
		"unbound, at a gateway that does not bind": {false, "", false, nil, []string{"", own}},
		"unbound, at a gateway that binds":         {true, "", true, nil, []string{"", own}},
		"bound, at a gateway that binds":           {true, own, true, []string{own}, []string{"", others, own[:10], own + "x", strings.ToUpper(own)}},
		"bound, at a gateway that binds no more":   {false, own, true, []string{own}, []string{"", others}},
	} {
		t.Run(name, func(t *testing.T) {
			w := fixture.New(t)
			if c.gatewayBinds {
				w.RequireClientCertificate()
				w.Gateway.CertificateBoundTokens = true
				w.Publish()
			}
			live, err := newVerifier().Verify(w.Compiled(), w.Snapshot(), w.AccessToken(fixture.Now(), boundTo(c.bound)), fixture.Now())
			if err != nil {
				t.Fatal(err)
			}
			if live.NeedsCertificate() != c.needs {
				t.Errorf("needs a certificate: %v", live.NeedsCertificate())
			}
			for _, presented := range c.good {
				if err := live.CheckCertificate(presented); err != nil {
					t.Errorf("%q: %v", presented, err)
				}
			}
			for _, presented := range c.refused {
				if err := live.CheckCertificate(presented); !errors.Is(err, accesstoken.ErrInvalid) {
					t.Errorf("%q: %v", presented, err)
				}
			}
		})
	}
}

func TestPermitsLooksForAWholeScope(t *testing.T) {
	w := fixture.New(t)
	live, err := newVerifier().Verify(w.Compiled(), w.Snapshot(), w.AccessToken(fixture.Now(), func(g *accesstoken.Grant) { g.Scope = "a:b d1:notify c" }), fixture.Now())
	if err != nil {
		t.Fatal(err)
	}
	for scope, good := range map[string]bool{"d1:notify": true, "a:b": true, "c": true, "d1": false, "D1:NOTIFY": false, "a:b d1:notify": false, "": false} {
		if err := live.Permits(scope); (err == nil) != good || err != nil && !errors.Is(err, accesstoken.ErrInvalid) {
			t.Errorf("%q: %v", scope, err)
		}
	}
}
