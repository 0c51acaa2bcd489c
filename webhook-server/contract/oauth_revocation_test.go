package contract_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/app"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

func TestARevokedTokenIsDeadAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, withClients)
	s.everywhere(t, func(v *visit) {
		for name, change := range map[string]func(r running.Request) running.Request{
			"as it should be":         func(r running.Request) running.Request { return r },
			"with a hint":             func(r running.Request) running.Request { return r.WithBody(r.Body + "&token_type_hint=access_token") },
			"with a wrong hint":       func(r running.Request) running.Request { return r.WithBody(r.Body + "&token_type_hint=refresh_token") },
			"with unknown parameters": func(r running.Request) running.Request { return r.WithBody("a=b&" + r.Body + "&c") },
			"chunked":                 func(r running.Request) running.Request { return r.WithChunks() },
		} {
			v.Run(name, func(t *testing.T) {
				sub := &visit{T: t, w: v.w, c: v.c.For(t)}
				token, spared := v.w.Token(sub.c), v.w.Token(sub.c)
				wantA.check(t, sub.c.Do(running.N0(token))) // its signature is remembered from now on
				wantRevoked.check(t, sub.c.Do(change(revoke(token))))
				wantInvalidToken.check(t, sub.c.Do(running.N0(token)))
				wantInvalidToken.check(t, v.w.Over(v.c.Transport).For(t).Do(running.N0(token).WithBody("x")))
				wantInactive.check(t, sub.c.Do(introspect(token)))
				wantInactive.check(t, sub.c.Do(as(secondClientID, introspect(token))))
				wantRevoked.check(t, sub.c.Do(revoke(token)))
				wantA.check(t, sub.c.Do(running.N0(spared)))
			})
		}
	})
}

func TestRevocationOfWhatIsNotTheClients(t *testing.T) {
	t.Parallel()
	s := newSite(t, withClients)
	s.everywhere(t, func(v *visit) {
		other := v.w.TokenOf(v.c, otherClientID, fixture.ClientSecret)
		nothing := cases{"of the other gateway": revoke(other)}
		for name, token := range dead(v) {
			nothing[name] = revoke(token)
		}
		v.expect(wantRevoked, nothing) // RFC 7009 section 2.2: the client has what it wants
		wantA.check(v.T, v.c.Do(atOther(running.N0(other))))

		v.expect(wantOtherClient, cases{"another client's": as(secondClientID, revoke(v.token))})
		wantA.check(v.T, v.c.Do(v.n0()))
		v.expect(wantRevoked, cases{"its own": revoke(v.token)})
		// It is dead now, so that nobody learns whose it was.
		v.expect(wantRevoked, cases{"another client's that is dead": as(secondClientID, revoke(v.token))})
	})
}

func TestTheSameIDOfATokenOfAnotherGatewayIsNotRevoked(t *testing.T) {
	t.Parallel()
	v := world(t, withClients)
	id := object{"jti": "one-and-the-same-id"}
	ours := newMint(t, v.w.Documents).token(nil, id)
	issuer := strings.Replace(fixture.Issuer, fixture.GatewayID, otherGatewayID, 1)
	theirs := newMint(t, v.w.Documents)
	theirs.key = v.w.DocumentsOf(otherGatewayID).Secrets.SigningKeys[0]
	other := theirs.token(nil, object{"jti": "one-and-the-same-id", "iss": issuer, "aud": issuer, "sub": otherClientID, "client_id": otherClientID})
	v.w.Planted(ours, other)
	v.expect(wantRevoked, cases{"ours": revoke(ours)})
	v.expect(wantInvalidToken, cases{"ours": running.N0(ours)})
	v.expect(wantA, cases{"theirs": atOther(running.N0(other))})
}

func TestRevocationsOutliveTheServer(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.overHTTP1(t, func(v *visit) {
		revoked := v.w.Token(v.c)
		wantRevoked.check(v.T, v.c.Do(revoke(revoked)))
		for range 2 {
			v.w.Stop()
			v.w.Run()
			v.expect(wantInvalidToken, cases{"the revoked one": running.N0(revoked)})
			v.expect(wantInactive, cases{"the revoked one, asked about": introspect(revoked)})
			v.expect(wantA, cases{"another": v.n0()})
		}
	})
}

func TestRevocationsOutliveSIGKILL(t *testing.T) {
	t.Parallel()
	w := running.Start(t, nil) // only for the documents
	w.Stop()
	w.Write()
	p := launch(t, w.Dir)
	_, revoked := p.send(t, running.T0())
	_, spared := p.send(t, running.T0())
	if status, _ := p.send(t, revoke(revoked)); status != http.StatusOK {
		t.Fatalf("answer %d", status)
	}
	p.kill()
	p = launch(t, w.Dir)
	if status, _ := p.send(t, running.N0(revoked)); status != http.StatusUnauthorized {
		t.Errorf("the revoked one is answered %d", status)
	}
	if status, _ := p.send(t, running.N0(spared)); status != http.StatusNoContent {
		t.Errorf("another is answered %d", status)
	}
}

// TestASecondServerOnTheEmbeddedStoreIsRefused is why revocations seen by other replicas are tested with package revocation: the embedded
// store is for one server.
func TestASecondServerOnTheEmbeddedStoreIsRefused(t *testing.T) {
	t.Parallel()
	w := running.Start(t, nil)
	second := w.Options
	second.Logger = slog.New(slog.DiscardHandler)
	if server, err := app.New(t.Context(), second); err == nil {
		t.Error("there are two servers with one store")
		server.Start()
		_ = server.Stop(t.Context())
	}
	w.Token(w.Client())
}

func TestManyTokensRevokedAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.inBothVersions(t, func(v *visit) {
		ended := make(chan string)
		const count = 24
		for range count {
			go func() {
				ended <- func() string {
					issued, err := v.c.Try(v.Context(), running.T0())
					if err != nil || issued.Token() == "" {
						return fmt.Sprintf("token: %s %v", issued, err)
					}
					token := issued.Token()
					if a, err := v.c.Try(v.Context(), revoke(token)); err != nil || a.Status != http.StatusOK {
						return fmt.Sprintf("revocation: %s %v", a, err)
					}
					if a, err := v.c.Try(v.Context(), running.N0(token)); err != nil || a.Status != http.StatusUnauthorized {
						return fmt.Sprintf("notification: %s %v", a, err)
					}
					return ""
				}()
			}()
		}
		for range count {
			select {
			case wrong := <-ended:
				if wrong != "" {
					v.Error(wrong)
				}
			case <-time.After(time.Minute):
				v.Fatal("it takes more than a minute")
			}
		}
	})
}
