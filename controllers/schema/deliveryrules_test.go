package schema

import (
	"strings"
	"testing"
)

// deliveryRules answers the rules of a delivery at a place; PATCH in format stands for its fields.
func deliveryRules(at, format string) []rule {
	in := func(patch string) string { return strings.ReplaceAll(format, "PATCH", patch) }
	return []rule{
		enum(at+".mode", in(`mode: VALUE`), "Durable", "Synchronous"),
		httpURL(at+".url", in(`url: VALUE`)),
		bounds(at+".timeoutSeconds", in(`timeoutSeconds: N`), "1", "60", "0", "61"),
		bounds(at+".retry.maxAgeHours", in(`retry: {maxAgeHours: N}`), "1", "720", "0", "721"),
		bounds(at+".retry.initialSeconds", in(`retry: {initialSeconds: N, maxSeconds: 86400}`), "1", "3600", "0", "3601"),
		bounds(at+".retry.maxSeconds", in(`retry: {maxSeconds: N}`), "1", "86400", "0", "86401"),
		{"the first wait is not above the longest at " + at, at + ".retry.initialSeconds", []string{in(`retry: {initialSeconds: 5, maxSeconds: 5}`)}, []string{in(`retry: {initialSeconds: 6, maxSeconds: 5}`)}},
		bounds(at+".rateLimit.perSecond", in(`rateLimit: {perSecond: N}`), "1", "100000", "0", "100001"),
		bounds(at+".rateLimit.maxInFlight", in(`rateLimit: {maxInFlight: N}`), "1", "256", "0", "257"),
		bounds(at+".retry.delaysSeconds[1]", in(`retry: {delaysSeconds: [5, N]}`), "1", "86400", "0", "86401"),
		{"the waits are 1 to 64 at " + at, at + ".retry.delaysSeconds", []string{in(`retry: {delaysSeconds: [1` + strings.Repeat(", 1", 63) + `]}`), in(`retry: {delaysSeconds: [9, 1, 9]}`)}, []string{in(`retry: {delaysSeconds: []}`), in(`retry: {delaysSeconds: [1` + strings.Repeat(", 1", 64) + `]}`)}},
		{"a list of waits does not double at " + at, at + ".retry.delaysSeconds", []string{in(`retry: {delaysSeconds: [5], maxAgeHours: 1}`)}, []string{in(`retry: {delaysSeconds: [5], initialSeconds: 5}`), in(`retry: {delaysSeconds: [5], maxSeconds: 5}`)}},
		enum(at+".order", in(`order: VALUE`), "None", "PerToken"),
		enum(at+".repeats", in(`repeats: VALUE`), "Deliver", "Merge"),
		emptyStruct(at+".signing", in(`signing: {}`)),
		{"a signing secret of one's own is not generated at " + at, at + ".signing.secretRef", nil, []string{in(`signing: {secretRef: {name: a}, algorithms: [HMAC]}`), in(`signing: {secretRef: {name: a}, overlapHours: 1}`)}},
		enum(at+".signing.algorithms[0]", in(`signing: {algorithms: [VALUE]}`), "HMAC", "Ed25519"),
		{"signing algorithms do not repeat at " + at, at + ".signing.algorithms[1]", []string{in(`signing: {algorithms: [Ed25519, HMAC]}`)}, []string{in(`signing: {algorithms: [HMAC, HMAC]}`)}},
		{"there is a signing algorithm at " + at, at + ".signing.algorithms", nil, []string{in(`signing: {algorithms: []}`)}},
		bounds(at+".signing.overlapHours", in(`signing: {overlapHours: N}`), "1", "2160", "0", "2161"),
		secretName(at+".signing.secretRef.name", in(`signing: {secretRef: {name: NAME}}`)),
		emptyStruct(at+".tls", in(`tls: {}`)),
		{"a CA reference has a name at " + at, at + ".tls.caSecretRef.name", nil, []string{in(`tls: {caSecretRef: {}}`)}},
		secretName(at+".tls.caSecretRef.name", in(`tls: {caSecretRef: {name: NAME}}`)),
		secretName(at+".tls.clientCertificateSecretRef.name", in(`tls: {clientCertificateSecretRef: {name: NAME}}`)),
	}
}

// oauthRules answers the rules of how access tokens are got at a place; FIELDS in format stands for its fields.
func oauthRules(at, format string) []rule {
	all := func(fields string) string { return strings.ReplaceAll(format, "FIELDS", fields) }
	in := func(patch string) string {
		return all(`tokenURL: "https://login.example/token", secretRef: {name: a}, ` + patch)
	}
	return []rule{
		{"a token endpoint has a URL at " + at, at + ".tokenURL", nil, []string{all(`secretRef: {name: a}`)}},
		httpURL(at+".tokenURL", all(`tokenURL: VALUE, secretRef: {name: a}`)),
		{"a Secret is named at " + at, at + ".secretRef", nil, []string{all(`tokenURL: "https://login.example/token"`)}},
		{"the Secret has a name at " + at, at + ".secretRef.name", nil, []string{all(`tokenURL: "https://login.example/token", secretRef: {}`)}},
		secretName(at+".secretRef.name", all(`tokenURL: "https://login.example/token", secretRef: {name: NAME}`)),
		{"scopes are 1 to 16 at " + at, at + ".scopes", []string{in(`scopes: [a]`), in(`scopes: [` + manyScopes(16) + `]`)}, []string{in(`scopes: []`), in(`scopes: [` + manyScopes(17) + `]`)}},
		{"scopes do not repeat at " + at, at + ".scopes[1]", nil, []string{in(`scopes: [a, a]`)}},
		{"a scope is one of RFC 6749 at " + at, at + ".scopes[0]", []string{in(`scopes: ["https://a.example/b.c:d"]`), in(`scopes: ["` + long[:128] + `"]`)}, []string{in(`scopes: [""]`), in(`scopes: ["a b"]`), in(`scopes: ['a"b']`), in(`scopes: ['a\b']`), in(`scopes: ["ä"]`), in(`scopes: ["` + long[:129] + `"]`)}},
		emptyStruct(at+".tls", in(`tls: {}`)),
		secretName(at+".tls.caSecretRef.name", in(`tls: {caSecretRef: {name: NAME}}`)),
		secretName(at+".tls.clientCertificateSecretRef.name", in(`tls: {clientCertificateSecretRef: {name: NAME}}`)),
	}
}

func TestOAuthRules(t *testing.T) {
	for at, format := range map[string]string{
		"spec.delivery.oauth":                    `spec: {delivery: {oauth: {FIELDS}}}`,
		"spec.merchants.items[0].delivery.oauth": `spec: {merchants: {items: [{id: "40010000001", delivery: {oauth: {FIELDS}}}]}}`,
		"spec.tokenLookup.oauth":                 `spec: {tokenLookup: {url: "https://a.example/{tokenId}", oauth: {FIELDS}}}`,
	} {
		checkRules(t, gatewayManifest, oauthRules(at, format))
	}
}

func TestDeliveryRules(t *testing.T) {
	checkRules(t, gatewayManifest, deliveryRules("spec.delivery", `spec: {delivery: {PATCH}}`))
}

func TestDeliveryOverrideRules(t *testing.T) {
	checkRules(t, gatewayManifest, deliveryRules("spec.merchants.items[0].delivery", `spec: {merchants: {items: [{id: "40010000001", delivery: {PATCH}}]}}`))
}
