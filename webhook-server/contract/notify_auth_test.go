package contract_test

import (
	"crypto/x509"
	"encoding/pem"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// bearing are the base notification with each of the tokens.
func bearing(tokens map[string]string) cases {
	all := cases{}
	for name, token := range tokens {
		all[name] = running.N0("x").With("Authorization", "Bearer "+token)
	}
	return all
}

func testBearer(t *testing.T, s *site) {
	authorization := func(values ...string) running.Request { return running.N0("").With("Authorization", values...) }
	s.inBothVersions(t, func(v *visit) {
		v.expect(wantNoToken, cases{
			"no Authorization":           authorization(),
			"an empty Authorization":     authorization(""),
			"Bearer alone":               authorization("Bearer"),
			"Bearer and spaces":          authorization("Bearer   "),
			"Basic":                      authorization(fixture.Basic),
			"the token without a scheme": authorization(v.token),
			"the token by another name":  authorization("Token " + v.token),
			"DPoP":                       authorization("DPoP " + v.token),
			"the token as password":      authorization(fixture.BasicAuthorization("x", v.token)),
			"the token in the query":     authorization().WithPath(fixture.NotifyPath + "?access_token=" + v.token),
			"the token in the body":      authorization().WithBody(`{"updateType":"TOKEN_STATE_CHANGE","access_token":"` + v.token + `"}`),
			"the token as a form":        authorization().With("Content-Type", "application/x-www-form-urlencoded").WithBody("access_token=" + v.token),
			"the token for a proxy":      authorization().With("Proxy-Authorization", "Bearer "+v.token),
			"the token as a cookie":      authorization().With("Cookie", "access_token="+v.token),
		})
		v.expect(wantA, cases{
			"bearer in small letters": authorization("bearer " + v.token),
			"BEARER in capitals":      authorization("BEARER " + v.token),
			"several spaces":          authorization("Bearer    " + v.token),
			"spaces behind":           authorization("Bearer " + v.token + "  "),
		})
		v.expect(wantInvalidToken, bearing(garbage(v.token)))
		v.expect(wantInvalidToken, bearing(wrongClaims(newMint(v.T, v.w.Documents))))
		v.expect(wantInvalidToken, bearing(wrongHeaders(newMint(v.T, v.w.Documents))))
		v.expect(wantA, bearing(goodTokens(newMint(v.T, v.w.Documents))))
	})
}

func garbage(token string) map[string]string {
	part := strings.Split(token, ".")
	flip := func(s string, i int) string {
		other := byte('A')
		if s[i] == other {
			other = 'B'
		}
		return s[:i] + string(other) + s[i+1:]
	}
	return map[string]string{
		"a word":                    "garbage",
		"two dots":                  "..",
		"one dot":                   part[0] + "." + part[1],
		"three dots":                token + ".",
		"five parts":                token + ".a.b",
		"no signature":              part[0] + "." + part[1] + ".",
		"no claims":                 part[0] + ".." + part[2],
		"no header":                 "." + part[1] + "." + part[2],
		"a letter more":             token + "A",
		"a letter less":             token[:len(token)-1],
		"padding":                   token + "==",
		"a space within":            part[0] + ". " + part[1] + "." + part[2],
		"in quotes":                 `"` + token + `"`,
		"altered header":            flip(part[0], 3) + "." + part[1] + "." + part[2],
		"altered claims":            part[0] + "." + flip(part[1], len(part[1])/2) + "." + part[2],
		"altered signature":         part[0] + "." + part[1] + "." + flip(part[2], 0),
		"altered in the last bits":  part[0] + "." + part[1] + "." + lastBits(part[2]),
		"in capitals":               strings.ToUpper(token),
		"of 4 KiB":                  strings.Repeat("a", 4096),
		"of 32 KiB":                 strings.Repeat("a", 32<<10),
		"of 32 KiB with dots":       strings.Repeat("a.", 16<<10),
		"base64 of the other kind":  strings.NewReplacer("-", "+", "_", "/").Replace(token) + "+",
		"JSON":                      `{"access_token":"x"}`,
		"not ASCII":                 "é",
		"the secret":                fixture.ClientSecret,
		"two tokens with a comma":   token + "," + token,
		"two tokens with a space":   token + " " + token,
		"a scheme and a token more": "Bearer " + token,
	}
}

// lastBits changes those bits of the last letter that are in no byte: 64 bytes of a signature are 85 letters and 2 bits.
func lastBits(signature string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(signature) - 1
	return signature[:last] + string(alphabet[strings.IndexByte(alphabet, signature[last])^1])
}

// goodTokens are unusual, and good.
func goodTokens(m mint) map[string]string {
	now := time.Now().Unix()
	return map[string]string{
		"as the server signs them":        m.token(nil, nil),
		"expired within the skew":         m.token(nil, object{"exp": now - 40}),
		"issued by a clock that is ahead": m.token(nil, object{"iat": now + 40}),
		"not before, within the skew":     m.token(nil, object{"nbf": now + 40}),
		"typ as a media type":             m.token(object{"typ": "application/at+jwt"}, nil),
		"typ in capitals":                 m.token(object{"typ": "AT+JWT"}, nil),
		"a list as audience":              m.token(nil, object{"aud": []string{"https://x.example", fixture.Issuer}}),
		"more scopes":                     m.token(nil, object{"scope": "x d1:notify y"}),
		"claims that nobody knows":        m.token(nil, object{"foo": object{"bar": 1}}),
		"header fields that nobody knows": m.token(object{"foo": "bar"}, nil),
		"times with a fraction":           m.token(nil, object{"exp": float64(now) + 900.5}),
	}
}

func wrongClaims(m mint) map[string]string {
	now := time.Now().Unix()
	return map[string]string{
		"expired beyond the skew":        m.token(nil, object{"exp": now - 70}),
		"expired long ago":               m.token(nil, object{"iat": now - 90000, "exp": now - 86400}),
		"no exp":                         m.token(nil, object{"exp": nil}),
		"exp of 0":                       m.token(nil, object{"exp": 0}),
		"a negative exp":                 m.token(nil, object{"exp": -1}),
		"exp that is text":               m.token(nil, object{"exp": "soon"}),
		"exp that is a string of digits": m.token(nil, object{"exp": strconv.FormatInt(now+900, 10)}),
		"claims in capitals":             m.sign(m.header(), strings.NewReplacer(`"exp"`, `"EXP"`, `"iss"`, `"ISS"`).Replace(mustJSON(m.t, m.claims())), jwt.SigningMethodES256, m.private()),
		"exp that is null":               m.sign(m.header(), strings.Replace(mustJSON(m.t, m.claims()), `"exp":`, `"exp":null,"was":`, 1), jwt.SigningMethodES256, m.private()),
		"issued in the future":           m.token(nil, object{"iat": now + 80, "exp": now + 900}),
		"not before the future":          m.token(nil, object{"nbf": now + 80}),
		"no iat":                         m.token(nil, object{"iat": nil}),
		"another issuer":                 m.token(nil, object{"iss": "https://evil.example"}),
		"an issuer with a slash behind":  m.token(nil, object{"iss": fixture.Issuer + "/"}),
		"no issuer":                      m.token(nil, object{"iss": nil}),
		"an issuer that is a list":       m.token(nil, object{"iss": []string{fixture.Issuer}}),
		"another audience":               m.token(nil, object{"aud": "https://evil.example"}),
		"no audience":                    m.token(nil, object{"aud": nil}),
		"an empty list as audience":      m.token(nil, object{"aud": []string{}}),
		"an audience that is a number":   m.token(nil, object{"aud": 7}),
		"a client that does not exist":   m.token(nil, object{"sub": "nobody", "client_id": "nobody"}),
		"no client":                      m.token(nil, object{"sub": nil, "client_id": nil}),
		"sub and client_id that differ":  m.token(nil, object{"sub": "nobody"}),
		"claims that are a list":         m.sign(m.header(), "[]", jwt.SigningMethodES256, m.private()),
		"claims that are null":           m.sign(m.header(), "null", jwt.SigningMethodES256, m.private()),
		"claims that are no JSON":        m.sign(m.header(), "{", jwt.SigningMethodES256, m.private()),
		"claims that are empty":          m.sign(m.header(), "", jwt.SigningMethodES256, m.private()),
	}
}

func wrongHeaders(m mint) map[string]string {
	claims := m.claims()
	hmacKey := publicKeyPEM(m)
	other := fixture.SigningKey(m.t, m.key.ID, api.ES256, time.Now())
	stranger := mint{m.t, other}
	rsa := mint{m.t, fixture.SigningKey(m.t, m.key.ID, api.RS256, time.Now())}
	ed := mint{m.t, fixture.SigningKey(m.t, m.key.ID, api.EdDSA, time.Now())}
	none := func(alg string) string {
		return encodeJSON(m.t, changed(m.header(), object{"alg": alg})) + "." + encodeJSON(m.t, claims) + "."
	}
	signature := m.token(nil, nil)[strings.LastIndexByte(m.token(nil, nil), '.')+1:]
	return map[string]string{
		"alg none":                          none("none"),
		"alg None":                          none("None"),
		"alg NONE":                          none("NONE"),
		"alg none with a signature":         none("none") + signature,
		"alg empty":                         none(""),
		"alg missing":                       m.token(object{"alg": nil}, nil),
		"alg a number":                      m.token(object{"alg": 1}, nil),
		"alg ES256 in small letters":        m.token(object{"alg": "es256"}, nil),
		"alg ES384 said":                    m.token(object{"alg": "ES384"}, nil),
		"alg RS256 said":                    m.token(object{"alg": "RS256"}, nil),
		"HS256 with the public key":         m.sign(changed(m.header(), object{"alg": "HS256"}), claims, jwt.SigningMethodHS256, []byte(hmacKey)),
		"HS256 with the public key's bytes": m.sign(changed(m.header(), object{"alg": "HS256"}), claims, jwt.SigningMethodHS256, pemBytes(hmacKey)),
		"HS256 with an empty key":           m.sign(changed(m.header(), object{"alg": "HS256"}), claims, jwt.SigningMethodHS256, []byte{}),
		"HS256 with the client's secret":    m.sign(changed(m.header(), object{"alg": "HS256"}), claims, jwt.SigningMethodHS256, []byte(fixture.ClientSecret)),
		"another key of the same type":      stranger.token(nil, nil),
		"an RSA key, RS256":                 m.sign(changed(m.header(), object{"alg": "RS256"}), claims, jwt.SigningMethodRS256, rsa.private()),
		"an RSA key, PS256":                 m.sign(changed(m.header(), object{"alg": "PS256"}), claims, jwt.SigningMethodPS256, rsa.private()),
		"an Ed25519 key, EdDSA":             m.sign(changed(m.header(), object{"alg": "EdDSA"}), claims, jwt.SigningMethodEdDSA, ed.private()),
		"another kid":                       m.token(object{"kid": "acme-key-2"}, nil),
		"no kid":                            m.token(object{"kid": nil}, nil),
		"kid a number":                      m.token(object{"kid": 1}, nil),
		"kid a path":                        m.token(object{"kid": "../../etc/passwd"}, nil),
		"kid in capitals":                   m.token(object{"kid": strings.ToUpper(m.key.ID)}, nil),
		"a key of its own, jwk":             stranger.token(object{"jwk": object{"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}, "kid": nil}, nil),
		"a key of its own, jku":             stranger.token(object{"jku": "http://127.0.0.1:9/jwks.json"}, nil),
		"crit":                              m.token(object{"crit": []string{"exp"}}, nil),
		"crit of nothing":                   m.token(object{"crit": []string{}}, nil),
		"b64 false":                         m.token(object{"b64": false, "crit": []string{"b64"}}, nil),
		"typ JWT":                           m.token(object{"typ": "JWT"}, nil),
		"typ missing":                       m.token(object{"typ": nil}, nil),
		"typ of an id token":                m.token(object{"typ": "id_token+jwt"}, nil),
		"header that is a list":             m.sign("[]", claims, jwt.SigningMethodES256, m.private()),
		"header that is no JSON":            m.sign("{", claims, jwt.SigningMethodES256, m.private()),
		"header that is null":               m.sign("null", claims, jwt.SigningMethodES256, m.private()),
		"a signature of zeros":              m.token(nil, nil)[:strings.LastIndexByte(m.token(nil, nil), '.')+1] + strings.Repeat("A", 86),
		"a signature of another token":      encodeJSON(m.t, m.header()) + "." + encodeJSON(m.t, changed(claims, object{"jti": "other"})) + "." + signature,
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	return decodeBase64(t, encodeJSON(t, v))
}

func publicKeyPEM(m mint) string {
	m.t.Helper()
	der, err := x509.MarshalPKIXPublicKey(m.private().Public())
	if err != nil {
		m.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func pemBytes(text string) []byte {
	block, _ := pem.Decode([]byte(text))
	return block.Bytes
}
