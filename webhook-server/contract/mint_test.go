package contract_test

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
)

type apiCredential = api.Credential

// object is a JSON object.
type object = map[string]any

// mint signs access tokens with the gateway's own key, so that one thing at a time can be wrong with them.
type mint struct {
	t   *testing.T
	key api.SigningKey
}

func newMint(t *testing.T, gateway *fixture.World) mint {
	t.Helper()
	return mint{t, gateway.Secrets.SigningKeys[0]}
}

func (m mint) private() crypto.Signer {
	m.t.Helper()
	block, _ := pem.Decode([]byte(m.key.PrivateKey.Reveal()))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		m.t.Fatal(err)
	}
	return key.(crypto.Signer)
}

func (m mint) header() object { return object{"alg": "ES256", "typ": "at+jwt", "kid": m.key.ID} }

// claims are those of a good token, issued now.
func (m mint) claims() object {
	now := time.Now().Unix()
	return object{
		"iss": fixture.Issuer, "aud": fixture.Issuer, "sub": fixture.ClientID, "client_id": fixture.ClientID,
		"scope": api.NotifyScope, "iat": now, "exp": now + 900, "jti": "0123456789abcdef",
	}
}

// changed is a copy of an object with other members; a value of nil takes one away.
func changed(o, changes object) object {
	o = maps.Clone(o)
	for name, value := range changes {
		if o[name] = value; value == nil {
			delete(o, name)
		}
	}
	return o
}

// token signs the good token, its header and claims changed.
func (m mint) token(header, claims object) string {
	m.t.Helper()
	return m.sign(changed(m.header(), header), changed(m.claims(), claims), jwt.SigningMethodES256, m.private())
}

func (m mint) sign(header, claims any, method jwt.SigningMethod, key any) string {
	m.t.Helper()
	text := encodeJSON(m.t, header) + "." + encodeJSON(m.t, claims)
	signature, err := method.Sign(text, key)
	if err != nil {
		m.t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func encodeJSON(t *testing.T, v any) string {
	t.Helper()
	text, isText := v.(string)
	if !isText {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		text = string(data)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

func headerOf(t *testing.T, token string) object {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	var header object
	if err := json.Unmarshal(data, &header); err != nil {
		t.Fatal(err)
	}
	return header
}
