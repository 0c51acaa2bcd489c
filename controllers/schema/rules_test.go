package schema

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"
)

const gatewayManifest = `
apiVersion: d1gateway.io/v1alpha1
kind: MerchantGateway
metadata: {name: acme, namespace: payments}
spec:
  gatewayID: MGW_000001
  merchants: {items: [{id: "40010000001"}]}
  delivery: {url: "https://vault.acme.example/d1"}
`

const clientManifest = `
apiVersion: d1gateway.io/v1alpha1
kind: OAuthClient
metadata: {name: thales-d1, namespace: payments}
spec:
  gatewayRef: {name: acme}
  credentials: {secretName: thales-d1-credentials}
`

// rule is one rule of a schema: edits of the manifest (JSON merge patches) that keep it, and edits that break it and nothing else.
type rule struct {
	name string
	// at is where the API server reports it.
	at           string
	kept, broken []string
}

var (
	long      = strings.Repeat("a", 300)
	longURL   = "https://a.example/" + strings.Repeat("a", 2030)
	longerURL = longURL + "a"
)

func secretName(at, format string) rule {
	edit := func(name string) string { return strings.ReplaceAll(format, "NAME", name) }
	return rule{"the name of a Secret at " + at, at,
		[]string{edit("a"), edit("acme-ca.v2"), edit(strings.Repeat("a", 253))},
		[]string{edit(`""`), edit("Acme"), edit("-a"), edit("a-"), edit("a/b"), edit("a..b"), edit("a.-b"), edit("a-.b"), edit(strings.Repeat("a", 254))}}
}

func bounds(at, format string, low, high, below, above string) rule {
	edit := func(n string) string { return strings.ReplaceAll(format, "N", n) }
	return rule{"the bounds of " + at, at, []string{edit(low), edit(high)}, []string{edit(below), edit(above), edit(`"7"`)}}
}

func enum(at, format string, values ...string) rule {
	r := rule{name: "the values of " + at, at: at}
	for _, v := range values {
		r.kept = append(r.kept, strings.ReplaceAll(format, "VALUE", v))
		r.broken = append(r.broken, strings.ReplaceAll(format, "VALUE", strings.ToLower(v)))
	}
	r.broken = append(r.broken, strings.ReplaceAll(format, "VALUE", `""`))
	return r
}

func emptyStruct(at, format string) rule {
	return rule{name: "at least one property in " + at, at: at, kept: nil, broken: []string{format}}
}

func httpURL(at, format string) rule {
	edit := func(url string) string { return strings.ReplaceAll(format, "VALUE", `"`+url+`"`) }
	return rule{"the URL at " + at, at,
		[]string{edit("https://a.example"), edit("http://10.0.0.7:8080/x?y=z"), edit("https://[::1]:9443/d1"), edit("http://a.example/@me"), edit("http://a.example/?u=a@b"), edit(longURL)},
		[]string{edit(""), edit("http://"), edit("https:///path"), edit("ftp://a.example/x"), edit("a.example/path"), edit("/relative/path"), edit("https://user:pw@a.example/"), edit("https://user@a.example"), edit("https://a.example/#top"), edit(longerURL)}}
}

func lookups(urls ...string) []string {
	var edits []string
	for _, url := range urls {
		edits = append(edits, `spec: {tokenLookup: {url: "`+url+`"}}`)
	}
	return edits
}

func manyMerchants(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{id: "M%010d"},`, i)
	}
	return b.String()
}

var gatewayRules = []rule{
	{"metadata.name has at most 160 characters", "<nil>", []string{`metadata: {name: ` + long[:160] + `}`}, []string{`metadata: {name: ` + long[:161] + `}`}},
	{"spec is required", "spec", nil, []string{`spec: null`}},
	{"gatewayID is required", "spec.gatewayID", nil, []string{`spec: {gatewayID: null}`}},
	{"gatewayID has ten letters, digits, _ or -", "spec.gatewayID", []string{`spec: {gatewayID: a-_Z09bcde}`}, []string{`spec: {gatewayID: MGW_00001}`, `spec: {gatewayID: MGW_0000001}`, `spec: {gatewayID: MGW.000001}`, `spec: {gatewayID: "MGW 000001"}`, `spec: {gatewayID: 1234567890}`}},
	{"hostnames are a set of 1 to 16", "spec.hostnames", []string{`spec: {hostnames: [a, b]}`, `spec: {hostnames: [a,b,c,d,e,f,g,h,i,j,k,l,m,r,o,p]}`}, []string{`spec: {hostnames: []}`, `spec: {hostnames: [a,b,c,d,e,f,g,h,i,j,k,l,m,r,o,p,q]}`}},
	{"hostnames do not repeat", "spec.hostnames[1]", nil, []string{`spec: {hostnames: [a, a]}`}},
	{"a hostname is a lower-case DNS name without a port", "spec.hostnames[0]", []string{`spec: {hostnames: [d1.acme.example]}`, `spec: {hostnames: [xn--a.b-c.d]}`, `spec: {hostnames: ["10.0.0.1"]}`, `spec: {hostnames: [` + long[:253] + `]}`}, []string{`spec: {hostnames: [D1.example]}`, `spec: {hostnames: ["a:443"]}`, `spec: {hostnames: ["a..b"]}`, `spec: {hostnames: ["*.a"]}`, `spec: {hostnames: ["-a"]}`, `spec: {hostnames: ["a."]}`, `spec: {hostnames: [""]}`, `spec: {hostnames: [` + long[:254] + `]}`}},
	{"tokenEndpoints are 1 to 8", "spec.tokenEndpoints", []string{`spec: {tokenEndpoints: [{path: /t}]}`, `spec: {tokenEndpoints: [{path: /a},{path: /b},{path: /c},{path: /d},{path: /e},{path: /f},{path: /g},{path: /h}]}`}, []string{`spec: {tokenEndpoints: []}`, `spec: {tokenEndpoints: [{path: /a},{path: /b},{path: /c},{path: /d},{path: /e},{path: /f},{path: /g},{path: /h},{path: /i}]}`}},
	{"tokenEndpoints have one path each", "spec.tokenEndpoints[1]", nil, []string{`spec: {tokenEndpoints: [{path: /a}, {path: /a, dialect: Issuer}]}`}},
	{"a token endpoint has a path", "spec.tokenEndpoints[0].path", nil, []string{`spec: {tokenEndpoints: [{dialect: Ecom}]}`}},
	{"a token path is absolute, of unreserved characters, and nobody else's", "spec.tokenEndpoints[0].path", []string{`spec: {tokenEndpoints: [{path: /a}]}`, `spec: {tokenEndpoints: [{path: "/a.b/c_d/~e-F0"}]}`, `spec: {tokenEndpoints: [{path: /merchant-gateways}]}`, `spec: {tokenEndpoints: [{path: /...}]}`, `spec: {tokenEndpoints: [{path: /` + long[:255] + `}]}`}, []string{`spec: {tokenEndpoints: [{path: /}]}`, `spec: {tokenEndpoints: [{path: a/b}]}`, `spec: {tokenEndpoints: [{path: /a/}]}`, `spec: {tokenEndpoints: [{path: //a}]}`, `spec: {tokenEndpoints: [{path: "/a?b"}]}`, `spec: {tokenEndpoints: [{path: "/a%2Fb"}]}`, `spec: {tokenEndpoints: [{path: /a/../b}]}`, `spec: {tokenEndpoints: [{path: /a/.}]}`, `spec: {tokenEndpoints: [{path: /merchant-gateways/x}]}`, `spec: {tokenEndpoints: [{path: /.well-known/x}]}`, `spec: {tokenEndpoints: [{path: /` + long[:256] + `}]}`}},
	enum("spec.tokenEndpoints[0].dialect", `spec: {tokenEndpoints: [{path: /a, dialect: VALUE}]}`, "Ecom", "Issuer"),
	bounds("spec.accessTokens.lifetimeSeconds", `spec: {accessTokens: {lifetimeSeconds: N}}`, "1", "86400", "0", "86401"),
	enum("spec.accessTokens.algorithm", `spec: {accessTokens: {algorithm: VALUE}}`, "ES256", "EdDSA", "RS256"),
	{"tls needs hostnames", "spec.tls", []string{`spec: {hostnames: [a], tls: {certificateSecretRef: {name: a}}}`}, []string{`spec: {tls: {certificateSecretRef: {name: a}}}`}},
	{"tls names a Secret", "spec.tls.certificateSecretRef", nil, []string{`spec: {hostnames: [a], tls: {}}`}},
	{"the server certificate's Secret has a name", "spec.tls.certificateSecretRef.name", nil, []string{`spec: {hostnames: [a], tls: {certificateSecretRef: {}}}`}},
	secretName("spec.tls.certificateSecretRef.name", `spec: {hostnames: [a], tls: {certificateSecretRef: {name: NAME}}}`),
	enum("spec.accessTokens.binding", `spec: {accessTokens: {binding: VALUE}, authentication: {clientCertificate: {mode: Required, caSecretRef: {name: ca}}}}`, "None", "ClientCertificate"),
	{"bound tokens need a client certificate", "spec.accessTokens.binding", nil, []string{`spec: {accessTokens: {binding: ClientCertificate}}`, `spec: {accessTokens: {binding: ClientCertificate}, authentication: {clientCertificate: {mode: Disabled, caSecretRef: {name: ca}}}}`}},
	enum("spec.authentication.tokenEndpointMethods[0]", `spec: {authentication: {tokenEndpointMethods: [VALUE], clientCertificate: {mode: Required, caSecretRef: {name: ca}}}}`, "ClientSecretBasic", "ClientSecretPost", "PrivateKeyJWT", "TLSClientAuth"),
	{"the registered names of methods are not ours", "spec.authentication.tokenEndpointMethods[0]", nil, []string{`spec: {authentication: {tokenEndpointMethods: [client_secret_basic]}}`, `spec: {authentication: {tokenEndpointMethods: [None]}}`}},
	{"methods are a set of 1 to 4", "spec.authentication.tokenEndpointMethods", []string{`spec: {authentication: {tokenEndpointMethods: [TLSClientAuth, PrivateKeyJWT, ClientSecretPost, ClientSecretBasic], clientCertificate: {mode: Required, caSecretRef: {name: ca}}}}`}, []string{`spec: {authentication: {tokenEndpointMethods: []}}`, `spec: {authentication: {tokenEndpointMethods: [PrivateKeyJWT, ClientSecretPost, ClientSecretBasic, ClientSecretPost, ClientSecretBasic]}}`}},
	{"methods do not repeat", "spec.authentication.tokenEndpointMethods[1]", nil, []string{`spec: {authentication: {tokenEndpointMethods: [ClientSecretPost, ClientSecretPost]}}`}},
	{"TLSClientAuth needs a client certificate", "spec.authentication.tokenEndpointMethods", nil, []string{`spec: {authentication: {tokenEndpointMethods: [ClientSecretBasic, TLSClientAuth]}}`, `spec: {authentication: {tokenEndpointMethods: [TLSClientAuth], clientCertificate: {mode: Disabled, caSecretRef: {name: ca}}}}`}},
	bounds("spec.accessTokens.keyRotationDays", `spec: {accessTokens: {keyRotationDays: N}}`, "1", "3650", "0", "3651"),
	enum("spec.authentication.oauth", `spec: {authentication: {oauth: VALUE, clientCertificate: {mode: Required, caSecretRef: {name: ca}}}}`, "Required", "Disabled"),
	{"without OAuth a client certificate is needed", "spec.authentication.oauth", []string{`spec: {authentication: {oauth: Disabled, clientCertificate: {mode: Required, caSecretRef: {name: ca}}}}`}, []string{`spec: {authentication: {oauth: Disabled}}`}},
	enum("spec.authentication.clientCertificate.mode", `spec: {authentication: {clientCertificate: {mode: VALUE, caSecretRef: {name: ca}}}}`, "Required", "Disabled"),
	{"a required client certificate needs a CA", "spec.authentication.clientCertificate.caSecretRef", []string{`spec: {authentication: {clientCertificate: {mode: Required, caSecretRef: {name: ca}}}}`}, []string{`spec: {authentication: {clientCertificate: {mode: Required}}}`}},
	secretName("spec.authentication.clientCertificate.caSecretRef.name", `spec: {authentication: {clientCertificate: {mode: Required, caSecretRef: {name: NAME}}}}`),
	enum("spec.updateTypes", `spec: {updateTypes: VALUE}`, "Tolerant", "Strict"),
	enum("spec.merchants.unlisted", `spec: {merchants: {unlisted: VALUE}}`, "Reject", "Deliver"),
	{"unlisted merchants need the default delivery", "spec.delivery", nil, []string{`spec: {merchants: {unlisted: Deliver, items: null}, delivery: null}`}},
	{"every merchant has somewhere to deliver", "spec.delivery", []string{`spec: {delivery: null, merchants: {items: [{id: "40010000001", delivery: {url: "https://a.example"}}]}}`, `spec: {delivery: null, merchants: null}`}, []string{`spec: {delivery: null}`, `spec: {delivery: null, merchants: {items: [{id: "40010000001", delivery: {mode: Durable}}]}}`}},
	{"a merchant has an id", "spec.merchants.items[0].id", nil, []string{`spec: {merchants: {items: [{delivery: {mode: Durable}}]}}`}},
	{"a merchant id has eleven letters, digits, _ or -", "spec.merchants.items[0].id", []string{`spec: {merchants: {items: [{id: a-_Z09bcdef}]}}`}, []string{`spec: {merchants: {items: [{id: "4001000000"}]}}`, `spec: {merchants: {items: [{id: "400100000011"}]}}`, `spec: {merchants: {items: [{id: "4001000000!"}]}}`, `spec: {merchants: {items: [{id: 40010000001}]}}`}},
	{"merchants do not repeat", "spec.merchants.items[1]", nil, []string{`spec: {merchants: {items: [{id: "40010000001"}, {id: "40010000001"}]}}`}},
	{"merchants are 1 to 1000", "spec.merchants.items", []string{`spec: {merchants: {items: [` + manyMerchants(1000) + `]}}`}, []string{`spec: {merchants: {items: []}}`, `spec: {merchants: {items: [` + manyMerchants(1001) + `]}}`}},
	emptyStruct("spec.merchants.items[0].delivery", `spec: {merchants: {items: [{id: "40010000001", delivery: {}}]}}`),
	{"a look-up has a URL", "spec.tokenLookup.url", nil, []string{`spec: {tokenLookup: {timeoutSeconds: 3}}`}},
	{"a look-up URL holds {tokenId} and is absolute", "spec.tokenLookup.url", lookups("https://a.example/{tokenId}", "http://a.example:8080/{merchantId}/{tokenId}?x={tokenId}", "https://a.example/"+long[:250]+"{tokenId}"), lookups("", "https://a.example/", "https://{tokenId}/", "https://a{tokenId}.example/x", "ftp://a.example/{tokenId}", "https://u@a.example/{tokenId}", "https://a.example/{tokenId}#x", "https://a.example/ {tokenId}", longURL[:2041]+"{tokenId}")},
	{"a look-up URL holds no other variable", "spec.tokenLookup.url", lookups("https://a.example/{tokenId}{merchantId}", "https://a.example/{tokenId}/"+long+"{merchantId}", longURL[:2039]+"{tokenId}"), lookups("https://a.example/{foo}/{tokenId}", "https://a.example/{tokenId}?m={merchantID}", "https://a.example/{tokenId}{", "https://a.example/{tokenId}}", "https://a.example/{{tokenId}}", "https://a.example/{mer{tokenId}chantId}", "https://a.example/{}{tokenId}")},
	bounds("spec.tokenLookup.timeoutSeconds", `spec: {tokenLookup: {url: "https://a.example/{tokenId}", timeoutSeconds: N}}`, "1", "30", "0", "31"),
	bounds("spec.tokenLookup.cacheSeconds", `spec: {tokenLookup: {url: "https://a.example/{tokenId}", cacheSeconds: N}}`, "0", "86400", "-1", "86401"),
	bounds("spec.tokenLookup.newTokenGraceSeconds", `spec: {tokenLookup: {url: "https://a.example/{tokenId}", newTokenGraceSeconds: N}}`, "0", "3600", "-1", "3601"),
	emptyStruct("spec.tokenLookup.tls", `spec: {tokenLookup: {url: "https://a.example/{tokenId}", tls: {}}}`),
	secretName("spec.tokenLookup.tls.caSecretRef.name", `spec: {tokenLookup: {url: "https://a.example/{tokenId}", tls: {caSecretRef: {name: NAME}}}}`),
	secretName("spec.tokenLookup.tls.clientCertificateSecretRef.name", `spec: {tokenLookup: {url: "https://a.example/{tokenId}", tls: {clientCertificateSecretRef: {name: NAME}}}}`),
}

func TestMerchantGatewayRules(t *testing.T) { checkRules(t, gatewayManifest, gatewayRules) }

func checkRules(t *testing.T, manifest string, rules []rule) {
	t.Helper()
	v := newValidator(t)
	if errs := v.Validate(t.Context(), edited(t, manifest, "{}"), nil); len(errs) > 0 {
		t.Fatalf("the base manifest is refused: %v", errs)
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, edit := range r.kept {
				if errs := v.Validate(t.Context(), edited(t, manifest, edit), nil); len(errs) > 0 {
					t.Errorf("%.120s is refused: %v", edit, errs)
				}
			}
			for _, edit := range r.broken {
				errs := v.Validate(t.Context(), edited(t, manifest, edit), nil)
				at := func(err *field.Error) bool { return err.Field == r.at }
				if !slices.ContainsFunc(errs, at) {
					t.Errorf("%.120s: not reported at %q: %v", edit, r.at, errs)
				}
			}
		})
	}
}

func newValidator(t *testing.T) *Validator {
	t.Helper()
	v, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// edited answers the manifest with a JSON merge patch (RFC 7396) applied.
func edited(t *testing.T, manifest, patch string) *unstructured.Unstructured {
	t.Helper()
	obj, edit := parse(t, manifest), parse(t, patch)
	return &unstructured.Unstructured{Object: merge(obj, edit)}
}

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	raw, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	obj := map[string]any{}
	if err := utiljson.Unmarshal(raw, &obj); err != nil {
		t.Fatal(err)
	}
	return obj
}

func merge(into, patch map[string]any) map[string]any {
	for key, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(into, key)
		case map[string]any:
			old, _ := into[key].(map[string]any)
			if old == nil {
				old = map[string]any{}
			}
			into[key] = merge(old, value)
		default:
			into[key] = value
		}
	}
	return into
}
