package schema

import (
	"fmt"
	"strings"
	"testing"
)

func TestOAuthClientRules(t *testing.T) { checkRules(t, clientManifest, clientRules) }

var clientRules = []rule{
	{"metadata.name has at most 160 characters", "<nil>", []string{`metadata: {name: ` + long[:160] + `}`}, []string{`metadata: {name: ` + long[:161] + `}`}},
	{"spec is required", "spec", nil, []string{`spec: null`}},
	{"gatewayRef is required", "spec.gatewayRef", nil, []string{`spec: {gatewayRef: null}`}},
	{"gatewayRef has a name", "spec.gatewayRef.name", []string{`spec: {gatewayRef: {name: ` + long[:253] + `}}`}, []string{`spec: {gatewayRef: {name: null}}`, `spec: {gatewayRef: {name: ""}}`, `spec: {gatewayRef: {name: ` + long[:254] + `}}`}},
	{"clientID is visible ASCII without a colon", "spec.clientID", []string{`spec: {clientID: is_tbank01}`, `spec: {clientID: "!~/+=\"%"}`, `spec: {clientID: ` + long[:128] + `}`}, []string{`spec: {clientID: ""}`, `spec: {clientID: "a:b"}`, `spec: {clientID: "a b"}`, `spec: {clientID: "é"}`, `spec: {clientID: ` + long[:129] + `}`}},
	{"scopes are a set of 1 to 16", "spec.scopes", []string{`spec: {scopes: [a, b]}`, `spec: {scopes: [` + manyScopes(16) + `]}`}, []string{`spec: {scopes: []}`, `spec: {scopes: [` + manyScopes(17) + `]}`}},
	{"scopes do not repeat", "spec.scopes[1]", nil, []string{`spec: {scopes: [a, a]}`}},
	{"a scope is a scope token", "spec.scopes[0]", []string{`spec: {scopes: ["d1:notify"]}`, `spec: {scopes: ["!#[]~"]}`, `spec: {scopes: [` + long[:64] + `]}`}, []string{`spec: {scopes: [""]}`, `spec: {scopes: ["a b"]}`, `spec: {scopes: ["a\"b"]}`, `spec: {scopes: ["a\\b"]}`, `spec: {scopes: [` + long[:65] + `]}`}},
	{"credentials are required", "spec.credentials", nil, []string{`spec: {credentials: null}`}},
	{"a client secret is in a Secret", "spec.credentials.secretName", []string{`spec: {credentials: {method: ClientSecret}}`}, []string{`spec: {credentials: {secretName: null, source: Existing}}`, `spec: {credentials: {secretName: null, method: ClientSecret}}`}},
	{"the other methods name no Secret", "spec.credentials.secretName", nil, []string{`spec: {credentials: {method: PrivateKeyJWT, jwks: '{"keys":[{}]}'}}`, `spec: {credentials: {method: TLSClientAuth, certificate: {subjects: [CN=a]}}}`}},
	{"the method is one of three", "spec.credentials.method", []string{`spec: {credentials: {method: PrivateKeyJWT, secretName: null, jwks: '{"keys":[{}]}'}}`, `spec: {credentials: {method: TLSClientAuth, secretName: null, certificate: {subjects: [CN=a]}}}`, `spec: {credentials: {method: TLSClientAuth, secretName: null, source: Existing, certificate: {subjects: [CN=a], subjectAltNames: ["DNS:a"]}}}`}, []string{`spec: {credentials: {method: ClientSecretBasic}}`, `spec: {credentials: {method: clientSecret}}`, `spec: {credentials: {method: private_key_jwt}}`, `spec: {credentials: {method: ""}}`}},
	{"jwks goes with PrivateKeyJWT", "spec.credentials.jwks", nil, []string{`spec: {credentials: {method: PrivateKeyJWT, secretName: null}}`, `spec: {credentials: {jwks: '{"keys":[{}]}'}}`, `spec: {credentials: {method: TLSClientAuth, secretName: null, jwks: '{"keys":[{}]}', certificate: {subjects: [CN=a]}}}`}},
	{"jwks has 12 to 32768 characters", "spec.credentials.jwks", []string{`spec: {credentials: {method: PrivateKeyJWT, secretName: null, jwks: ` + strings.Repeat("k", 32768) + `}}`, `spec: {credentials: {method: PrivateKeyJWT, secretName: null, jwks: ` + strings.Repeat("k", 12) + `}}`}, []string{`spec: {credentials: {method: PrivateKeyJWT, secretName: null, jwks: ` + strings.Repeat("k", 32769) + `}}`, `spec: {credentials: {method: PrivateKeyJWT, secretName: null, jwks: ""}}`, `spec: {credentials: {method: PrivateKeyJWT, secretName: null, jwks: {keys: []}}}`}},
	{"certificate goes with TLSClientAuth", "spec.credentials.certificate", nil, []string{`spec: {credentials: {method: TLSClientAuth, secretName: null}}`, `spec: {credentials: {certificate: {subjects: [CN=a]}}}`, `spec: {credentials: {method: PrivateKeyJWT, secretName: null, jwks: '{"keys":[{}]}', certificate: {subjects: [CN=a]}}}`}},
	emptyStruct("spec.credentials.certificate", `spec: {credentials: {method: TLSClientAuth, secretName: null, certificate: {}}}`),
	secretName("spec.credentials.secretName", `spec: {credentials: {secretName: NAME}}`),
	enum("spec.credentials.source", `spec: {credentials: {source: VALUE}}`, "Generated", "Existing"),
	bounds("spec.rotation.intervalDays", `spec: {rotation: {intervalDays: N}}`, "0", "3650", "-1", "3651"),
	bounds("spec.rotation.overlapHours", `spec: {rotation: {overlapHours: N}}`, "0", "8760", "-1", "8761"),
	enum("spec.rotation.retirePrevious", `spec: {rotation: {retirePrevious: VALUE}}`, "AfterFirstUse", "AfterOverlap"),
	enum("spec.state", `spec: {state: VALUE}`, "Active", "Suspended"),
}

func manyScopes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "s%d,", i)
	}
	return b.String()
}
