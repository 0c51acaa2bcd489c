package serving

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The identifiers of the D1 documents.
var (
	gatewayIDPattern  = regexp.MustCompile(`^[A-Za-z0-9_-]{10}$`)
	merchantIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{11}$`)
	clientIDPattern   = regexp.MustCompile(`^[!-9;-~]{1,128}$`) // VSCHAR without space and colon: RFC 6749 appendix A.1, RFC 7617 section 2
	scopePattern      = regexp.MustCompile(`^[!#-\[\]-~]{1,64}$`)
	idPattern         = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)
	hostnamePattern   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
	pathPattern       = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)
)

// What stands in every access token is bounded, so that the notification endpoint can bound how long a token may be.
const (
	maxIssuer = 512
	maxScopes = 16
)

// problems collects what is wrong; the first one is reported.
type problems struct{ first error }

func (p *problems) check(ok bool, field, format string, args ...any) {
	if !ok && p.first == nil {
		p.first = fmt.Errorf("%s %s", field, fmt.Sprintf(format, args...))
	}
}

func (p *problems) header(h Header, k Kind) {
	p.check(h.Format == Format, "format", "is not %q", Format)
	p.check(h.Kind == k, "kind", "is not %q", k)
	p.check(h.Namespace != "" && !strings.Contains(h.Namespace, "."), "namespace", "is not a namespace")
	p.check(h.Name != "", "name", "is missing")
	p.check(h.UID == "" || idPattern.MatchString(h.UID), "uid", "is not a uid")
	p.check(h.Generation >= 0, "generation", "is negative")
}

func (p *problems) between(value, low, high int, field string) {
	p.check(value >= low && value <= high, field, "is %d, not within %d and %d", value, low, high)
}

// ordered checks that the keys ascend without repeats, which makes the encoding canonical and look-ups safe.
func (p *problems) ordered(keys []string, field string) {
	for i := 1; i < len(keys); i++ {
		p.check(keys[i-1] < keys[i], field, "are not in order or repeat themselves at %q", keys[i])
	}
}

func (p *problems) ids(ids []string, field string) {
	for i, id := range ids {
		p.check(idPattern.MatchString(id), fmt.Sprintf("%s[%d]", field, i), "is not an id")
		p.check(!slices.Contains(ids[:i], id), field, "repeat %q", id)
	}
}

func (p *problems) utc(t time.Time, field string) {
	p.check(t.Location() == time.UTC && t.Nanosecond() == 0, field, "is not in UTC and whole seconds")
}

func (p *problems) absoluteURL(raw, field string) {
	u, err := url.Parse(raw)
	ok := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && u.Fragment == ""
	p.check(ok, field, "is not an http or https URL without credentials and fragment")
}

// Validate names the first field that the server could not work with.
func (g *Gateway) Validate() error {
	var p problems
	p.header(g.Header, KindGateway)
	p.check(gatewayIDPattern.MatchString(g.GatewayID), "gatewayID", "is not 10 letters, digits, _ or -")
	for i, h := range g.Hostnames {
		p.check(len(h) <= 253 && hostnamePattern.MatchString(h), fmt.Sprintf("hostnames[%d]", i), "is not a lower-case host name")
		p.check(!slices.Contains(g.Hostnames[:i], h), "hostnames", "repeat %q", h)
	}
	p.check(len(g.TokenEndpoints) > 0 || g.OAuthDisabled, "tokenEndpoints", "are missing")
	p.ordered(keysOf(g.TokenEndpoints, func(e TokenEndpoint) string { return e.Path }), "tokenEndpoints")
	for i, e := range g.TokenEndpoints {
		p.check(len(e.Path) <= 256 && pathPattern.MatchString(e.Path), fmt.Sprintf("tokenEndpoints[%d].path", i), "is not an absolute path of unreserved characters")
		p.check(e.Dialect == DialectEcom || e.Dialect == DialectIssuer, fmt.Sprintf("tokenEndpoints[%d].dialect", i), "is unknown")
	}
	p.check(len(g.AuthMethods) > 0 || g.OAuthDisabled, "authMethods", "are missing")
	p.ordered(keysOf(g.AuthMethods, func(m AuthMethod) string { return string(m) }), "authMethods")
	for i, m := range g.AuthMethods {
		p.check(slices.Contains([]AuthMethod{ClientSecretBasic, ClientSecretPost, PrivateKeyJWT, TLSClientAuth}, m), fmt.Sprintf("authMethods[%d]", i), "is unknown")
		p.check(m != TLSClientAuth || g.ClientCertificate != nil, "clientCertificate", "is missing although tls_client_auth is allowed")
	}
	p.absoluteURL(g.Issuer, "issuer")
	p.check(len(g.Issuer) <= maxIssuer, "issuer", "is longer than %d characters", maxIssuer)
	p.between(g.AccessTokenSeconds, 1, 86400, "accessTokenSeconds")
	p.check(len(g.SigningKeys) > 0, "signingKeys", "are missing")
	p.ids(g.SigningKeys, "signingKeys")
	p.check(!g.OAuthDisabled || g.ClientCertificate != nil, "clientCertificate", "is missing although OAuth is disabled")
	p.check(!g.CertificateBoundTokens || g.ClientCertificate != nil, "clientCertificate", "is missing although tokens are bound to it")
	p.check(g.ServerCertificate == "" || idPattern.MatchString(g.ServerCertificate), "serverCertificate", "is not an id")
	p.check(g.ServerCertificate == "" || len(g.Hostnames) > 0, "hostnames", "are missing although there is a server certificate")
	if c := g.ClientCertificate; c != nil {
		p.ids([]string{c.CABundle}, "clientCertificate.caBundle")
		p.certificateRules(c.CertificateRules, "clientCertificate")
	}
	p.ordered(keysOf(g.Merchants, func(m Merchant) string { return m.ID }), "merchants")
	for i, m := range g.Merchants {
		field := fmt.Sprintf("merchants[%d]", i)
		p.check(merchantIDPattern.MatchString(m.ID), field+".id", "is not 11 letters, digits, _ or -")
		p.check(m.Delivery != nil || g.Delivery != nil, field+".delivery", "is missing and there is no default")
		p.destination(m.Delivery, field+".delivery")
	}
	p.check(g.Delivery != nil || !g.DeliverUnlisted, "delivery", "is missing although unlisted merchants are delivered")
	p.destination(g.Delivery, "delivery")
	if l := g.TokenLookup; l != nil {
		p.absoluteURL(strings.NewReplacer("{merchantId}", "m", "{tokenId}", "t").Replace(l.URL), "tokenLookup.url")
		p.check(strings.Contains(l.URL, "{tokenId}"), "tokenLookup.url", "does not hold {tokenId}")
		p.between(l.TimeoutSeconds, 1, 30, "tokenLookup.timeoutSeconds")
		p.between(l.CacheSeconds, 0, 86400, "tokenLookup.cacheSeconds")
		p.between(l.NewTokenGraceSeconds, 0, 3600, "tokenLookup.newTokenGraceSeconds")
		p.oauth(l.OAuth, "tokenLookup.oauth")
	}
	return p.first
}

func (p *problems) destination(d *Destination, field string) {
	if d == nil {
		return
	}
	p.absoluteURL(d.URL, field+".url")
	p.between(d.TimeoutSeconds, 1, 60, field+".timeoutSeconds")
	p.retry(d.Retry, field+".retry")
	p.oauth(d.OAuth, field+".oauth")
	p.check(len(d.SigningSecrets) > 0, field+".signingSecrets", "are missing")
	p.ids(d.SigningSecrets, field+".signingSecrets")
	p.between(d.MaxPerSecond, 0, 100000, field+".maxPerSecond")
	p.between(d.MaxInFlight, 1, 256, field+".maxInFlight")
}

func (p *problems) retry(r Retry, field string) {
	p.between(r.MaxAgeHours, 1, 720, field+".maxAgeHours")
	if len(r.DelaysSeconds) > 0 {
		p.check(len(r.DelaysSeconds) <= 64, field+".delaysSeconds", "are more than 64")
		for i, seconds := range r.DelaysSeconds {
			p.between(seconds, 1, 86400, fmt.Sprintf("%s.delaysSeconds[%d]", field, i))
		}
		p.check(r.InitialSeconds == 0 && r.MaxSeconds == 0, field+".delaysSeconds", "do not go with initialSeconds and maxSeconds")
		return
	}
	p.between(r.InitialSeconds, 1, 3600, field+".initialSeconds")
	p.between(r.MaxSeconds, r.InitialSeconds, 86400, field+".maxSeconds")
}

func (p *problems) oauth(o *OAuth, field string) {
	if o == nil {
		return
	}
	p.absoluteURL(o.TokenURL, field+".tokenURL")
	p.ids([]string{o.Credentials}, field+".credentials")
	p.check(len(o.Scopes) <= maxScopes, field+".scopes", "are more than %d", maxScopes)
	for i, s := range o.Scopes {
		p.check(s != "" && len(s) <= 128, fmt.Sprintf("%s.scopes[%d]", field, i), "is not a scope (RFC 6749 section 3.3)")
	}
}

// Validate names the first field that the server could not work with. It does not parse keys and certificates: the reader does.
func (s *GatewaySecrets) Validate() error {
	var p problems
	p.header(s.Header, KindGatewaySecrets)
	p.ids(keysOf(s.SigningKeys, func(k SigningKey) string { return k.ID }), "signingKeys")
	for i, k := range s.SigningKeys {
		field := fmt.Sprintf("signingKeys[%d]", i)
		p.check(slices.Contains([]Algorithm{ES256, EdDSA, RS256}, k.Algorithm), field+".algorithm", "is unknown")
		p.check(!k.PrivateKey.IsZero(), field+".privateKey", "is missing")
		p.utc(k.CreatedAt, field+".createdAt")
		p.utc(k.SignsFrom, field+".signsFrom")
		p.utc(k.TokensUntil, field+".tokensUntil")
	}
	p.ids(keysOf(s.SigningSecrets, func(k SigningSecret) string { return k.ID }), "signingSecrets")
	for i, k := range s.SigningSecrets {
		text := k.Secret.Reveal()
		p.check(strings.HasPrefix(text, "whsec_") || strings.HasPrefix(text, "whsk_"), fmt.Sprintf("signingSecrets[%d].secret", i), `does not begin with "whsec_" or "whsk_"`)
		p.utc(k.CreatedAt, fmt.Sprintf("signingSecrets[%d].createdAt", i))
		p.utc(k.SignsUntil, fmt.Sprintf("signingSecrets[%d].signsUntil", i))
	}
	p.ids(keysOf(s.CABundles, func(c CABundle) string { return c.ID }), "caBundles")
	p.ids(keysOf(s.Certificates, func(c KeyCertificate) string { return c.ID }), "certificates")
	p.ids(keysOf(s.ClientCredentials, func(c ClientCredentials) string { return c.ID }), "clientCredentials")
	for i, c := range s.ClientCredentials {
		p.check(c.ClientID != "" && !c.ClientSecret.IsZero(), fmt.Sprintf("clientCredentials[%d]", i), "lack an id or a secret")
	}
	return p.first
}

// Validate names the first field that the server could not work with.
func (c *Client) Validate() error {
	var p problems
	p.header(c.Header, KindClient)
	p.check(c.Gateway != "", "gateway", "is missing")
	p.check(clientIDPattern.MatchString(c.ClientID), "clientID", "is not 1 to 128 visible ASCII characters without a colon")
	p.check(len(c.Scopes) > 0, "scopes", "are missing")
	p.check(len(c.Scopes) <= maxScopes, "scopes", "are more than %d", maxScopes)
	for i, s := range c.Scopes {
		p.check(scopePattern.MatchString(s), fmt.Sprintf("scopes[%d]", i), "is not a scope (RFC 6749 section 3.3)")
		p.check(!slices.Contains(c.Scopes[:i], s), "scopes", "repeat %q", s)
	}
	p.utc(c.TokensNotBefore, "tokensNotBefore")
	ways := 0
	for _, set := range []bool{len(c.Credentials) > 0, len(c.PublicKeys) > 0, c.Certificate != nil} {
		if set {
			ways++
		}
	}
	p.check(ways == 1, "credentials", "are not exactly one of credentials, publicKeys and certificate")
	p.ids(keysOf(c.Credentials, func(k Credential) string { return k.ID }), "credentials")
	for i, k := range c.Credentials {
		field := fmt.Sprintf("credentials[%d]", i)
		p.check(k.Digest != SecretDigest{}, field+".digest", "is missing")
		p.utc(k.CreatedAt, field+".createdAt")
		p.utc(k.ExpiresAt, field+".expiresAt")
	}
	p.ids(keysOf(c.PublicKeys, func(k PublicKey) string { return k.ID }), "publicKeys")
	for i, k := range c.PublicKeys {
		field := fmt.Sprintf("publicKeys[%d]", i)
		p.check(len(k.KeyID) <= 256, field+".keyID", "is longer than 256 bytes")
		p.check(isKeyAlgorithm(k.Algorithm), field+".algorithm", "is unknown")
		p.check(k.PEM != "", field+".pem", "is missing")
		p.utc(k.CreatedAt, field+".createdAt")
	}
	if own := c.Certificate; own != nil {
		p.ids([]string{own.ID}, "certificate.id")
		p.certificateRules(own.CertificateRules, "certificate")
		p.check(len(own.Subjects)+len(own.SubjectAltNames) > 0, "certificate.subjects", "are missing, and subjectAltNames too")
		p.utc(own.CreatedAt, "certificate.createdAt")
	}
	return p.first
}

var (
	subjectPattern = regexp.MustCompile(`^(CN|O|OU|C|L|ST|SERIALNUMBER)=[^,=]+(,(CN|O|OU|C|L|ST|SERIALNUMBER)=[^,=]+)*$`)
	altNamePattern = regexp.MustCompile(`^(DNS|URI|EMAIL|IP):[!-~]+$`)
)

func (p *problems) certificateRules(r CertificateRules, field string) {
	for i, s := range r.Subjects {
		p.check(subjectPattern.MatchString(s), fmt.Sprintf("%s.subjects[%d]", field, i), "is not a list of attributes")
	}
	for i, s := range r.SubjectAltNames {
		p.check(altNamePattern.MatchString(s), fmt.Sprintf("%s.subjectAltNames[%d]", field, i), "is not DNS:, URI:, EMAIL: or IP: and a value")
	}
}
