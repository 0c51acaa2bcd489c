package discovery_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
	"github.com/d1gateway/d1gateway/webhook-server/token/tokenform/tokenformtest"
)

// published is a key as a resource server reads it.
type published map[string]string

type publishedSet struct {
	Keys []published `json:"keys"`
}

// keyIDs answers the kids, in order.
func (s publishedSet) keyIDs() []string {
	var ids []string
	for _, k := range s.Keys {
		ids = append(ids, k["kid"])
	}
	return ids
}

// find answers the key for a token, as RFC 7515 appendix D has it.
func (s publishedSet) find(t *jwt.Token) (any, error) {
	for _, k := range s.Keys {
		if k["kid"] == t.Header["kid"] && k["alg"] == t.Method.Alg() && k["use"] == "sig" {
			return k.public()
		}
	}
	return nil, errors.New("no key of the set goes with it")
}

// public reads the key by RFC 7518 section 6 and RFC 8037 section 2, and refuses members that must not be there.
func (k published) public() (crypto.PublicKey, error) {
	members := map[string][]string{"EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}, "RSA": {"n", "e"}}[k["kty"]]
	if len(members) == 0 || len(k) != len(members)+4 {
		return nil, fmt.Errorf("a key has the members %v", k)
	}
	raw := map[string][]byte{}
	for _, name := range members {
		if name == "crv" {
			continue
		}
		var err error
		if raw[name], err = base64.RawURLEncoding.Strict().DecodeString(k[name]); err != nil {
			return nil, err
		}
	}
	switch k["kty"] + k["crv"] {
	case "ECP-256":
		if len(raw["x"]) != 32 || len(raw["y"]) != 32 {
			return nil, fmt.Errorf("coordinates of %d and %d bytes", len(raw["x"]), len(raw["y"]))
		}
		return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, raw["x"], raw["y"]))
	case "OKPEd25519":
		return ed25519.PublicKey(raw["x"]), nil
	case "RSA":
		if raw["n"][0] == 0 || raw["e"][0] == 0 {
			return nil, errors.New("a number begins with zero bytes")
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(raw["n"]), E: int(new(big.Int).SetBytes(raw["e"]).Int64())}, nil
	default:
		return nil, fmt.Errorf("key type %s, curve %s", k["kty"], k["crv"])
	}
}

// keySet reads the base gateway's.
func (e *endpoint) keySet() publishedSet {
	e.t.Helper()
	var set publishedSet
	e.get(issuerPath+jwks, &set)
	return set
}

// issue signs a token at an instant.
func (e *endpoint) issue(w *fixture.World, at time.Time) string {
	e.t.Helper()
	client := e.Snapshot().ClientOf(w.Compiled(), w.Client.ClientID)
	raw, err := accesstoken.Append(nil, client, accesstoken.Grant{Scope: api.NotifyScope, Issued: at, Expires: at.Add(15 * time.Minute)})
	if err != nil {
		e.t.Fatal(err)
	}
	return string(raw)
}

// verify does what a resource server does with the set alone.
func verify(set publishedSet, raw string, at time.Time) error {
	parser := jwt.NewParser(jwt.WithTimeFunc(func() time.Time { return at }), jwt.WithIssuer(fixture.Issuer), jwt.WithAudience(fixture.Issuer),
		jwt.WithExpirationRequired(), jwt.WithStrictDecoding(), jwt.WithValidMethods([]string{"ES256", "EdDSA", "RS256"}))
	_, err := parser.Parse(raw, set.find)
	return err
}

func TestATokenHoldsAgainstThePublishedKeys(t *testing.T) {
	for _, algorithm := range []api.Algorithm{api.ES256, api.EdDSA, api.RS256} {
		t.Run(string(algorithm), func(t *testing.T) {
			e := newEndpoint(t)
			e.Secrets.SigningKeys = []api.SigningKey{fixture.SigningKey(t, "only", algorithm, fixture.Now())}
			e.Gateway.SigningKeys = []string{"only"}
			e.Publish()
			raw := e.issue(e.World, fixture.Now())
			if err := verify(e.keySet(), raw, fixture.Now()); err != nil {
				t.Errorf("%v; the keys are %v", err, e.keySet())
			}
			if err := verify(e.keySet(), tokenformtest.Altered(raw), fixture.Now()); err == nil {
				t.Error("an altered token holds")
			}
		})
	}
}

// shortCoordinate generates an ES256 key one of whose coordinates begins with a zero byte: one key in 128 does.
func shortCoordinate(t *testing.T) api.SigningKey {
	t.Helper()
	for range 20_000 {
		k := fixture.SigningKey(t, "short", api.ES256, fixture.Now())
		public := publicKey(t, k).(*ecdsa.PublicKey)
		point, err := public.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if point[1] == 0 || point[33] == 0 {
			return k
		}
	}
	t.Fatal("there is no such key")
	return api.SigningKey{}
}

func TestACoordinateThatBeginsWithZeroKeepsItsLength(t *testing.T) {
	e := newEndpoint(t)
	e.Secrets.SigningKeys = []api.SigningKey{shortCoordinate(t)}
	e.Gateway.SigningKeys = []string{"short"}
	e.Publish()
	if err := verify(e.keySet(), e.issue(e.World, fixture.Now()), fixture.Now()); err != nil {
		t.Errorf("%v; the keys are %v", err, e.keySet())
	}
}

func TestASuccessorIsPublishedBeforeItSignsAndThePredecessorUntilItIsRetired(t *testing.T) {
	e := newEndpoint(t)
	takesOver := fixture.Now().Add(time.Hour)
	successor := fixture.SigningKey(t, "acme-key-2", api.EdDSA, fixture.Now())
	successor.SignsFrom = takesOver
	e.Secrets.SigningKeys = append(e.Secrets.SigningKeys, successor)
	e.Gateway.SigningKeys = []string{"acme-key-2", "acme-key-1"}
	e.Publish()
	set := e.keySet()
	if got := set.keyIDs(); !slices.Equal(got, []string{"acme-key-1", "acme-key-2"}) {
		t.Errorf("the keys are %v, not in the order in which they sign", got)
	}
	for _, at := range []time.Time{takesOver.Add(-time.Second), takesOver} {
		if err := verify(set, e.issue(e.World, at), at); err != nil {
			t.Errorf("a token of %s: %v", at, err)
		}
	}
	old := e.issue(e.World, takesOver.Add(-time.Second))
	e.Gateway.SigningKeys = []string{"acme-key-2"}
	e.Publish()
	if got := e.keySet().keyIDs(); !slices.Equal(got, []string{"acme-key-2"}) {
		t.Errorf("after the retirement the keys are %v", got)
	}
	if err := verify(e.keySet(), old, takesOver); err == nil {
		t.Error("a token of the retired key holds")
	}
}

func TestAWithdrawnKeyIsNotPublishedAnyMore(t *testing.T) {
	e := newEndpoint(t)
	withdrawn := e.issue(e.World, fixture.Now())
	if got := e.keySet().keyIDs(); !slices.Equal(got, []string{"acme-key-1"}) {
		t.Fatalf("the keys are %v", got)
	}
	e.Secrets.SigningKeys = append(e.Secrets.SigningKeys, fixture.SigningKey(t, "acme-key-2", api.ES256, fixture.Now()))
	e.Gateway.SigningKeys = []string{"acme-key-2"}
	e.Publish()
	set := e.keySet()
	if got := set.keyIDs(); !slices.Equal(got, []string{"acme-key-2"}) {
		t.Errorf("the keys are %v", got)
	}
	if err := verify(set, withdrawn, fixture.Now()); err == nil {
		t.Error("a token of the withdrawn key holds")
	}
	if err := verify(set, e.issue(e.World, fixture.Now()), fixture.Now()); err != nil {
		t.Errorf("a token of the key that signs at once: %v", err)
	}
}

func TestAnotherGatewaysTokenDoesNotHold(t *testing.T) {
	e := newEndpoint(t)
	other := e.Another("globex", "MGW_000002", "is_tbank02")
	if err := verify(e.keySet(), e.issue(other, fixture.Now()), fixture.Now()); err == nil {
		t.Error("it holds")
	}
	if got := e.keySet().keyIDs(); !slices.Equal(got, []string{"acme-key-1"}) {
		t.Errorf("the keys are %v", got)
	}
}

func TestTheKeySetOfAnUnusedKeyInTheSecretsIsNotPublished(t *testing.T) {
	e := newEndpoint(t)
	e.Secrets.SigningKeys = append(e.Secrets.SigningKeys, fixture.SigningKey(t, "unnamed", api.ES256, fixture.Now()))
	e.Publish()
	if got := e.keySet().keyIDs(); slices.Contains(got, "unnamed") {
		t.Errorf("the keys are %v", got)
	}
}
