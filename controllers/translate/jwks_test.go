package translate

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/api/serving"
)

// The keys of RFC 7517 appendix A.1 and RFC 8037 appendix A.2, and a made-up one on P-384.
const (
	p256Key    = `"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"`
	p384Key    = `"kty":"EC","crv":"P-384","x":"fJsjm5XnBCfF_--HcKloGOovvcBHEaBHzqWO1yN9cMVpHISXCQ_K1AjcTbtZ9PmF","y":"gQoJZjQul3giGZDaIp5KsOgu4z9jP3E_kW9jeDZFmw83NXBETIAOoMLTdeyCo8ys"`
	ed25519JWK = `"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
	rsaModulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	rsaKeyJWK  = `"kty":"RSA","e":"AQAB","n":"` + rsaModulus + `"`
)

func set(keys ...string) string { return `{"keys":[{` + strings.Join(keys, `},{`) + `}]}` }

func TestAKeySetIsRead(t *testing.T) {
	for name, tc := range map[string]struct {
		text       string
		algorithms []string
	}{
		"P-256":                           {set(p256Key), []string{"ES256"}},
		"P-384":                           {set(p384Key), []string{"ES384"}},
		"Ed25519":                         {set(ed25519JWK), []string{"EdDSA"}},
		"RSA without alg":                 {set(rsaKeyJWK), []string{""}},
		"each with its alg":               {set(p256Key+`,"alg":"ES256"`, p384Key+`,"alg":"ES384"`, ed25519JWK+`,"alg":"EdDSA"`, rsaKeyJWK+`,"alg":"PS256"`), []string{"ES256", "ES384", "EdDSA", "PS256"}},
		"alg RS256":                       {set(rsaKeyJWK + `,"alg":"RS256"`), []string{"RS256"}},
		"the newer name of EdDSA":         {set(ed25519JWK + `,"alg":"Ed25519"`), []string{"EdDSA"}},
		"use and key_ops":                 {set(p256Key + `,"use":"sig","key_ops":["verify","x"]`), []string{"ES256"}},
		"members that nobody knows":       {`{"a":{"d":1},` + set(p256Key + `,"x5c":["MII"],"Kty":7,"D":"x"`)[1:], []string{"ES256"}},
		"spaces and line breaks":          {strings.ReplaceAll(set(p256Key), `,"`, " ,\n\t\""), []string{"ES256"}},
		"escapes in names and values":     {strings.Replace(set(p256Key), `"kty":"EC"`, `"k\u0074y":"E\u0043"`, 1), []string{"ES256"}},
		"a kid of 256 bytes, one without": {set(p256Key+`,"kid":"`+strings.Repeat("k", 256)+`"`, ed25519JWK), []string{"ES256", "EdDSA"}},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := parseKeySet(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, k := range keys {
				got = append(got, k.Algorithm)
				checkPublicKey(t, k)
			}
			if !slices.Equal(got, tc.algorithms) {
				t.Errorf("the algorithms are %q, want %q", got, tc.algorithms)
			}
		})
	}
}

// checkPublicKey: what stands in a document is what a server can verify with, and its id follows from the key.
func checkPublicKey(t *testing.T, k serving.PublicKey) {
	t.Helper()
	block, rest := pem.Decode([]byte(k.PEM))
	if block == nil || len(rest) > 0 {
		t.Fatal("the key is not one PEM block")
	}
	digest := sha256.Sum256(block.Bytes)
	if k.ID != "key-"+hex.EncodeToString(digest[:])[:16] {
		t.Errorf("the id %s does not follow from the key", k.ID)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	ok := false
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		ok = map[string]string{"ES256": "P-256", "ES384": "P-384"}[k.Algorithm] == key.Params().Name
	case ed25519.PublicKey:
		ok = k.Algorithm == "EdDSA"
	case *rsa.PublicKey:
		ok = slices.Contains([]string{"", "RS256", "PS256"}, k.Algorithm) && key.Size()*8 >= 2048
	}
	if !ok {
		t.Errorf("a %T is to verify %q", key, k.Algorithm)
	}
}

func TestAKeySetIsRefused(t *testing.T) {
	otherY := strings.Replace(p256Key, `"y":"4`, `"y":"5`, 1)
	for name, text := range map[string]string{
		"nothing":                     "",
		"no JSON":                     "{keys: []}",
		"two values":                  set(p256Key) + "{}",
		"a list":                      `[{` + p256Key + `}]`,
		"one key and no set":          `{` + p256Key + `}`,
		"no keys":                     `{}`,
		"keys is null":                `{"keys":null}`,
		"keys is an object":           `{"keys":{}}`,
		"the name in another case":    `{"Keys":[{` + p256Key + `}]}`,
		"an empty list":               `{"keys":[]}`,
		"nine keys":                   set(slices.Repeat([]string{p256Key}, 9)...),
		"a key that is null":          `{"keys":[null]}`,
		"a key that is text":          `{"keys":["x"]}`,
		"keys twice":                  `{"keys":[],` + set(p256Key)[1:],
		"a member twice":              set(p256Key + `,"kty":"EC"`),
		"a member twice, escaped":     set(p256Key + `,"\u006bty":"EC"`),
		"the same key twice":          set(p256Key+`,"kid":"a"`, p256Key+`,"kid":"b"`),
		"the same kid twice":          set(p256Key+`,"kid":"a"`, ed25519JWK+`,"kid":"a"`),
		"an empty kid":                set(p256Key + `,"kid":""`),
		"a long kid":                  set(p256Key + `,"kid":"` + strings.Repeat("k", 257) + `"`),
		"a kid that is a number":      set(p256Key + `,"kid":7`),
		"a kid that is null":          set(p256Key + `,"kid":null`),
		"no kty":                      set(`"crv":"P-256"`),
		"an unknown kty":              set(`"kty":"AKP"`),
		"P-521":                       set(strings.Replace(p256Key, "P-256", "P-521", 1)),
		"no crv":                      set(strings.Replace(p256Key, "crv", "crf", 1)),
		"a point off the curve":       set(otherY),
		"the coordinates of another":  set(strings.Replace(p256Key, "P-256", "P-384", 1)),
		"no y":                        set(strings.Replace(p256Key, `"y"`, `"z"`, 1)),
		"padding":                     set(strings.Replace(p256Key, "7D4", "7D4=", 1)),
		"the other alphabet":          set(strings.Replace(rsaKeyJWK, "_", "/", 1)),
		"a line break in base64":      set(strings.Replace(p256Key, "7D4", `7D\n4`, 1)),
		"stray bits in base64":        set(strings.Replace(p256Key, "7D4", "7D5", 1)),
		"X25519":                      set(strings.Replace(ed25519JWK, `"Ed25519"`, `"X25519"`, 1)),
		"a short Ed25519 key":         set(`"kty":"OKP","crv":"Ed25519","x":"AAAA"`),
		"an Ed25519 key of zeros":     set(`"kty":"OKP","crv":"Ed25519","x":"` + strings.Repeat("A", 43) + `"`),
		"RSA of 1024 bits":            set(`"kty":"RSA","e":"AQAB","n":"gwE` + strings.Repeat("B", 168) + `"`),
		"RSA of more than 8192 bits":  set(`"kty":"RSA","e":"AQAB","n":"gwE` + strings.Repeat("B", 1364) + `"`),
		"an even modulus":             set(strings.Replace(rsaKeyJWK, "DKgw", "DKgA", 1)),
		"a modulus with a zero byte":  set(`"kty":"RSA","e":"AQAB","n":"AP` + strings.Repeat("B", 350) + `"`),
		"exponent 1":                  set(strings.Replace(rsaKeyJWK, "AQAB", "AQ", 1)),
		"an even exponent":            set(strings.Replace(rsaKeyJWK, "AQAB", "AQAC", 1)),
		"a long exponent":             set(strings.Replace(rsaKeyJWK, "AQAB", "AQAAAAAB", 1)),
		"no exponent":                 set(`"kty":"RSA","n":"` + rsaModulus + `"`),
		"use enc":                     set(p256Key + `,"use":"enc"`),
		"use null":                    set(p256Key + `,"use":null`),
		"key_ops without verify":      set(p256Key + `,"key_ops":["sign"]`),
		"key_ops null":                set(p256Key + `,"key_ops":null`),
		"an alg of another key":       set(p256Key + `,"alg":"RS256"`),
		"an alg of another curve":     set(p256Key + `,"alg":"ES384"`),
		"RS512":                       set(rsaKeyJWK + `,"alg":"RS512"`),
		"none":                        set(p256Key + `,"alg":"none"`),
		"more than the schema allows": set(p256Key + `,"n":"` + strings.Repeat("x", 32768) + `"`),
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := parseKeySet(text)
			if err == nil {
				t.Fatalf("it is taken: %v", keys)
			}
			if strings.Contains(err.Error(), "private") {
				t.Errorf("the error speaks of a private key: %v", err)
			}
		})
	}
}

// TestAPrivateKeyIsRefusedLoudly: the error says what has happened, whatever else is wrong with the set, and repeats nothing of the key.
func TestAPrivateKeyIsRefusedLoudly(t *testing.T) {
	const planted = "cGxhbnRlZCBwcml2YXRlIGtleSwgbmV2ZXIgdG8gYmUgc2hvd24"
	cases := map[string]string{
		"kty oct":               set(`"kty":"oct","k":"` + planted + `"`),
		"kty oct without k":     set(`"kty":"oct"`),
		"a key outside of keys": `{` + p256Key + `,"d":"` + planted + `"}`,
		"a PEM key":             "-----BEGIN PRIVATE KEY-----\n" + planted + "\n-----END PRIVATE KEY-----\n",
		"after a bad key":       set(`"kty":"`+planted+`"`, p256Key+`,"d":"`+planted+`"`),
		"beside a member twice": set(p256Key + `,"d":"` + planted + `","kty":"EC"`),
		"among nine":            set(append(slices.Repeat([]string{p256Key}, 8), p256Key+`,"d":"`+planted+`"`)...),
	}
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		cases["the member "+name] = set(rsaKeyJWK + `,"` + name + `":"` + planted + `"`)
		cases["the member "+name+" that is no text"] = set(rsaKeyJWK + `,"` + name + `":["` + planted + `"]`)
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := parseKeySet(text)
			if err == nil || !strings.Contains(err.Error(), "make a new key") {
				t.Fatalf("the error does not say to replace the key: %v", err)
			}
			if strings.Contains(err.Error(), planted[:12]) {
				t.Errorf("the error repeats the key: %v", err)
			}
		})
	}
}

// FuzzKeySet: whatever stands in a resource, what is taken can be served, and an error shows nothing of what was read.
func FuzzKeySet(f *testing.F) {
	for _, text := range []string{
		"", "{}", "null", `{"keys":[null]}`, set(p256Key), set(p256Key+`,"kid":"a","use":"sig","key_ops":["verify"]`, ed25519JWK+`,"alg":"Ed25519"`),
		set(rsaKeyJWK, p384Key), set(`"kty":"oct","k":"x"`), set(p256Key + `,"d":"x"`), "-----BEGIN PRIVATE KEY-----",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := parseKeySet(text)
		if err != nil {
			checkSilent(t, text, err)
			return
		}
		doc := serving.Client{
			Header:  serving.Header{Format: serving.Format, Kind: serving.KindClient, Namespace: "a", Name: "b"},
			Gateway: "g", ClientID: "c", Scopes: []string{"s"}, PublicKeys: keys,
		}
		if _, err := serving.Encode(&doc); err != nil {
			t.Errorf("what was taken cannot be served: %v", err)
		}
		for _, k := range keys {
			checkPublicKey(t, k)
		}
		again, err := parseKeySet(text)
		if err != nil || !slices.Equal(again, keys) {
			t.Errorf("it reads differently the second time: %v", err)
		}
	})
}

// checkSilent looks for the texts of a set in the error, those that are long enough to tell something.
func checkSilent(t *testing.T, text string, err error) {
	t.Helper()
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		return
	}
	var visit func(any)
	visit = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			for _, child := range value {
				visit(child)
			}
		case []any:
			for _, child := range value {
				visit(child)
			}
		case string:
			if len(value) >= 12 && strings.Contains(err.Error(), value) && !strings.Contains(isPrivate, value) {
				t.Errorf("the error repeats %q: %v", value, err)
			}
		}
	}
	visit(value)
}
