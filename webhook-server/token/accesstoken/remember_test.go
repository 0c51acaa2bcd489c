package accesstoken_test

import (
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
)

func TestSuspensionAndDeletionEndLiveTokensThatWereRemembered(t *testing.T) {
	w := fixture.New(t)
	v, now := newVerifier(), fixture.Now()
	good := func(raw string) bool {
		_, err := v.Verify(w.Compiled(), w.Snapshot(), raw, now)
		return err == nil
	}
	raw := w.AccessToken(now)
	for range 2 {
		if !good(raw) {
			t.Fatal("a fresh token is refused")
		}
	}
	w.Client.Suspended = true
	w.Publish()
	if good(raw) {
		t.Error("a suspended client's token works")
	}
	w.Client.Suspended = false
	w.Client.TokensNotBefore = now.Add(time.Second)
	w.Publish()
	if good(raw) {
		t.Error("a token from before the suspension works again")
	}
	now = now.Add(time.Second)
	second := w.AccessToken(now)
	if !good(second) {
		t.Error("a token from after the suspension is refused")
	}
	w.Delete(w.Client)
	if good(second) {
		t.Error("a deleted client's token works")
	}
}

// Both clients live in one second, or the clocks are apart: the times do not tell their tokens apart.
func TestATokenEndsWithItsClientThoughAnotherHasItsIDAtOnce(t *testing.T) {
	w := fixture.New(t)
	now := fixture.Now()
	for name, c := range map[string]struct {
		former, next string
		good         bool
	}{
		"another client":                            {"0b3c", "7d1e", false},
		"the same client":                           {"0b3c", "0b3c", true},
		"the same client, outside a cluster":        {"", "", true},
		"a token of before this claim":              {"", "0b3c", true},
		"a cluster's token, documents from outside": {"0b3c", "", false},
	} {
		v := newVerifier()
		w.Client.UID, w.Client.TokensNotBefore = c.former, now.Truncate(time.Second)
		w.Publish()
		raw := w.AccessToken(now)
		if _, err := v.Verify(w.Compiled(), w.Snapshot(), raw, now); err != nil {
			t.Fatalf("%s: a fresh token is refused: %v", name, err)
		}
		w.Client.UID = c.next
		w.Publish()
		if _, err := v.Verify(w.Compiled(), w.Snapshot(), raw, now); (err == nil) != c.good {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := v.Verify(w.Compiled(), w.Snapshot(), w.AccessToken(now), now); err != nil {
			t.Errorf("%s: the token of the next client is dead on arrival: %v", name, err)
		}
	}
}

func TestKeyRotation(t *testing.T) {
	w := fixture.New(t)
	v, now := newVerifier(), fixture.Now()
	old := w.AccessToken(now)
	if _, err := v.Verify(w.Compiled(), w.Snapshot(), old, now); err != nil {
		t.Fatal(err)
	}
	next := fixture.SigningKey(t, "next", api.EdDSA, now)
	next.SignsFrom = now.Add(time.Minute)
	w.Secrets.SigningKeys = append(w.Secrets.SigningKeys, next)
	w.Gateway.SigningKeys = append(w.Gateway.SigningKeys, "next")
	w.Publish()
	if header, _ := decode(t, w.AccessToken(now)); header["kid"] != "acme-key-1" {
		t.Errorf("%v signs before its time", header["kid"])
	}
	now = next.SignsFrom
	young := w.AccessToken(now)
	if header, _ := decode(t, young); header["kid"] != "next" {
		t.Errorf("%v signs after its time", header["kid"])
	}
	for _, raw := range []string{old, young} {
		if _, err := v.Verify(w.Compiled(), w.Snapshot(), raw, now); err != nil {
			t.Errorf("a live token is refused: %v", err)
		}
	}
	w.Gateway.SigningKeys = []string{"next"}
	w.Publish()
	if _, err := v.Verify(w.Compiled(), w.Snapshot(), old, now); err == nil {
		t.Error("a remembered token of a key that is gone works")
	}
}

// The operator writes the secrets first, with the key that takes the place of the withdrawn one, and then the document that names one and not the other.
func TestARememberedTokenOfAWithdrawnKeyIsRefusedAtOnce(t *testing.T) {
	w := fixture.New(t)
	v, now := newVerifier(), fixture.Now()
	good := func(raw string) bool {
		_, err := v.Verify(w.Compiled(), w.Snapshot(), raw, now)
		return err == nil
	}
	of := w.AccessToken(now)
	for range 2 { // the second time it is remembered
		if !good(of) {
			t.Fatal("a fresh token is refused")
		}
	}
	w.Secrets.SigningKeys = append(w.Secrets.SigningKeys, fixture.SigningKey(t, "next", api.ES256, now))
	w.Publish()
	if !good(of) {
		t.Error("a token is refused before its key is withdrawn")
	}
	w.Gateway.SigningKeys = []string{"next"}
	w.Publish()
	if good(of) {
		t.Error("a token of the withdrawn key works")
	}
	young := w.AccessToken(now)
	if header, _ := decode(t, young); header["kid"] != "next" {
		t.Errorf("%v signs", header["kid"])
	}
	if !good(young) {
		t.Error("a token of the new key is refused")
	}
	w.Secrets.SigningKeys = w.Secrets.SigningKeys[1:]
	w.Publish()
	if good(of) || !good(young) {
		t.Error("the removal of the withdrawn key from the secrets changes something")
	}
}

func TestARememberedTokenIsNotGoodAtAnotherGateway(t *testing.T) {
	w := fixture.New(t)
	other := w.Another("globex", "MGW_000002", "is_tbank02")
	v := newVerifier()
	raw := w.AccessToken(fixture.Now())
	if _, err := v.Verify(w.Compiled(), w.Snapshot(), raw, fixture.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(other.Compiled(), w.Snapshot(), raw, fixture.Now()); err == nil {
		t.Error("it is accepted")
	}
}

func TestARememberedTokenExpires(t *testing.T) {
	w := fixture.New(t)
	v := newVerifier()
	raw := w.AccessToken(fixture.Now())
	for after, good := range map[time.Duration]bool{0: true, 15*time.Minute + accesstoken.MaxSkew - time.Second: true, 15*time.Minute + accesstoken.MaxSkew: false} {
		if _, err := v.Verify(w.Compiled(), w.Snapshot(), raw, fixture.Now().Add(after)); (err == nil) != good {
			t.Errorf("after %v: %v", after, err)
		}
	}
}

func TestTheVerifierRemembersABoundedNumberOfTokens(t *testing.T) {
	w := fixture.New(t)
	const size = 4
	v := accesstoken.NewVerifier(size, new(accesstoken.Revocations))
	first := w.AccessToken(fixture.Now())
	for range 5 * size {
		for _, raw := range []string{first, w.AccessToken(fixture.Now())} {
			if _, err := v.Verify(w.Compiled(), w.Snapshot(), raw, fixture.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if got := v.Remembered(); got > 2*size {
			t.Fatalf("it remembers %d", got)
		}
	}
	before := v.Remembered()
	if _, err := v.Verify(w.Compiled(), w.Snapshot(), first+"x", fixture.Now()); err == nil {
		t.Error("an altered token is accepted")
	}
	if got := v.Remembered(); got != before {
		t.Error("a refused token is remembered")
	}
}
