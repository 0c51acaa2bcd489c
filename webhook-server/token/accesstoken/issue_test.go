package accesstoken_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
)

// decode reads header and claims of a token without looking at its signature.
func decode(t *testing.T, raw string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		t.Fatalf("a token of %d parts", len(parts))
	}
	for i, members := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, members); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

func TestClaimsFollowRFC9068(t *testing.T) {
	w := fixture.New(t)
	header, claims := decode(t, w.AccessToken(fixture.Now()))
	for name, want := range map[string]any{"alg": "ES256", "typ": "at+jwt", "kid": "acme-key-1"} {
		if header[name] != want {
			t.Errorf("%s is %v, want %v", name, header[name], want)
		}
	}
	now := float64(fixture.Now().Unix())
	for name, want := range map[string]any{
		"iss": fixture.Issuer, "aud": fixture.Issuer, "sub": fixture.ClientID, "client_id": fixture.ClientID, "scope": "d1:notify", "iat": now, "exp": now + 900,
	} {
		if claims[name] != want {
			t.Errorf("%s is %v, want %v", name, claims[name], want)
		}
	}
	if _, there := claims["client_uid"]; there {
		t.Error("there is a uid outside a cluster")
	}
	w.Client.UID = "0b3c"
	w.Publish()
	if _, claims := decode(t, w.AccessToken(fixture.Now())); claims["client_uid"] != "0b3c" {
		t.Errorf("the uid is %v", claims["client_uid"])
	}
	jti, err := base64.RawURLEncoding.DecodeString(claims["jti"].(string))
	if err != nil || len(jti) != 16 {
		t.Errorf("jti has %d bytes, %v", len(jti), err)
	}
	if first, second := w.AccessToken(fixture.Now()), w.AccessToken(fixture.Now()); first == second {
		t.Error("two tokens are the same")
	}
}

func TestEveryAlgorithmVerifies(t *testing.T) {
	for _, algorithm := range []api.Algorithm{api.ES256, api.EdDSA, api.RS256} {
		t.Run(string(algorithm), func(t *testing.T) {
			w := fixture.New(t)
			w.Secrets.SigningKeys = append(w.Secrets.SigningKeys, fixture.SigningKey(t, "next", algorithm, fixture.Now()))
			w.Gateway.SigningKeys = []string{"next"}
			w.Publish()
			client, err := verify(w, w.AccessToken(fixture.Now()), fixture.Now())
			if err != nil || client.ClientID != fixture.ClientID {
				t.Errorf("got %v, %v", client, err)
			}
		})
	}
}

func TestATokenIsAppendedToWhatIsThere(t *testing.T) {
	w := fixture.New(t)
	now := fixture.Now()
	got, err := accesstoken.Append([]byte("head."), w.CompiledClient(), accesstoken.Grant{Scope: "d1:notify", Issued: now, Expires: now.Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	raw, ok := strings.CutPrefix(string(got), "head.")
	if !ok {
		t.Fatalf("got %.10q", got)
	}
	if _, err := verify(w, raw, now); err != nil {
		t.Error(err)
	}
}

// The operator sets TokensNotBefore by its own clock.
func TestATokenIsGoodAtOnceThoughTheOperatorsClockIsAhead(t *testing.T) {
	w := fixture.New(t)
	for ahead, good := range map[time.Duration]bool{30 * time.Second: true, accesstoken.MaxSkew: true, accesstoken.MaxSkew + time.Second: false} {
		w.Client.TokensNotBefore = fixture.Now().Add(ahead)
		w.Publish()
		if _, err := verify(w, w.AccessToken(fixture.Now()), fixture.Now()); (err == nil) != good {
			t.Errorf("%v ahead: %v", ahead, err)
		}
	}
}

func TestIssuedAtFollowsTheOperatorsClockWithinTheSkewOnly(t *testing.T) {
	w := fixture.New(t)
	now := fixture.Now()
	for ahead, want := range map[time.Duration]time.Duration{
		-time.Second: 0, 0: 0, time.Second: time.Second, accesstoken.MaxSkew: accesstoken.MaxSkew, accesstoken.MaxSkew + time.Second: 0,
	} {
		w.Client.TokensNotBefore = now.Add(ahead)
		w.Publish()
		if got := accesstoken.IssuedAt(w.CompiledClient(), now); !got.Equal(now.Add(want)) {
			t.Errorf("%v ahead: issued at %v", ahead, got)
		}
	}
}
