package accesstoken_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
)

func TestARevokedTokenIsRefusedAtOnceThoughItIsRemembered(t *testing.T) {
	w := fixture.New(t)
	other := w.Another("globex", "MGW_000002", "is_tbank02")
	revocations := new(accesstoken.Revocations)
	v := accesstoken.NewVerifier(16, revocations)
	check := func(w *fixture.World, raw string) (accesstoken.Token, error) {
		return v.Verify(w.Compiled(), w.Snapshot(), raw, fixture.Now())
	}
	raw, another := w.AccessToken(fixture.Now()), w.AccessToken(fixture.Now())
	live, err := check(w, raw)
	if err != nil {
		t.Fatal(err)
	}
	// A jti is unique with its gateway only: another gateway's revocation of it says nothing here.
	revocations.Add(other.Gateway.GatewayID, live.ID, live.ExpiresAt.Time)
	if _, err := check(w, raw); err != nil {
		t.Errorf("ended by another gateway: %v", err)
	}
	revocations.Add(w.Gateway.GatewayID, live.ID, live.ExpiresAt.Time)
	if _, err := check(w, raw); !errors.Is(err, accesstoken.ErrInvalid) {
		t.Errorf("a revoked token is accepted, %v", err)
	}
	if _, err := accesstoken.NewVerifier(16, revocations).Verify(w.Compiled(), w.Snapshot(), raw, fixture.Now()); !errors.Is(err, accesstoken.ErrInvalid) {
		t.Errorf("a revoked token that was never seen is accepted, %v", err)
	}
	if _, err := check(w, another); err != nil {
		t.Errorf("another token of the client has ended too: %v", err)
	}
}

func TestRevocationsAreForgottenOnceNobodyAcceptsTheToken(t *testing.T) {
	var r accesstoken.Revocations
	now := fixture.Now()
	if r.Has("g", "a") {
		t.Error("the zero value holds something")
	}
	r.Forget(now) // an empty one has nothing to forget
	for i, expires := range []time.Duration{-time.Hour, -accesstoken.MaxSkew, time.Second - accesstoken.MaxSkew, time.Second} {
		r.Add("g", fmt.Sprint(i), now.Add(expires))
	}
	r.Forget(now)
	for jti, kept := range map[string]bool{"0": false, "1": false, "2": true, "3": true} {
		if r.Has("g", jti) != kept {
			t.Errorf("%s is kept: %v", jti, !kept)
		}
	}
	r.Forget(now.Add(time.Second + accesstoken.MaxSkew))
	if r.Has("g", "2") || r.Has("g", "3") {
		t.Error("something is kept for ever")
	}
}

// A token is accepted for the skew beyond its exp, so it must stay revoked as long.
func TestARevokedTokenIsNotAcceptedAgainWithinTheSkew(t *testing.T) {
	w := fixture.New(t)
	revocations := new(accesstoken.Revocations)
	v := accesstoken.NewVerifier(16, revocations)
	raw := w.AccessToken(fixture.Now())
	live, err := v.Verify(w.Compiled(), w.Snapshot(), raw, fixture.Now())
	if err != nil {
		t.Fatal(err)
	}
	revocations.Add(w.Gateway.GatewayID, live.ID, live.ExpiresAt.Time)
	for _, late := range []time.Duration{0, time.Second, accesstoken.MaxSkew / 2, accesstoken.MaxSkew - time.Second} {
		now := live.ExpiresAt.Add(late)
		revocations.Forget(now)
		if _, err := v.Verify(w.Compiled(), w.Snapshot(), raw, now); !errors.Is(err, accesstoken.ErrInvalid) {
			t.Errorf("%v after its exp it is accepted again", late)
		}
	}
}

func TestVerifyingAndRevokingAtOnce(t *testing.T) {
	w := fixture.New(t)
	revocations := new(accesstoken.Revocations)
	v := accesstoken.NewVerifier(4, revocations)
	g, snapshot, now := w.Compiled(), w.Snapshot(), fixture.Now()
	var workers sync.WaitGroup
	for range 8 {
		mine := w.AccessToken(now)
		workers.Go(func() {
			live, err := v.Verify(g, snapshot, mine, now)
			if err != nil {
				t.Error(err)
				return
			}
			for range 50 {
				if _, err := v.Verify(g, snapshot, mine, now); err != nil {
					t.Error(err)
				}
			}
			revocations.Add(g.GatewayID, live.ID, live.ExpiresAt.Time)
			for range 50 {
				if _, err := v.Verify(g, snapshot, mine, now); err == nil {
					t.Error("a revoked token is accepted")
				}
				revocations.Forget(now)
			}
		})
	}
	workers.Wait()
}
