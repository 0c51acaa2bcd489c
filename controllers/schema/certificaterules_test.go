package schema

import (
	"strings"
	"testing"
)

func TestCertificateRules(t *testing.T) {
	checkRules(t, gatewayManifest, certificateRules("spec.authentication.clientCertificate", `spec: {authentication: {clientCertificate: {PATCH}}}`))
	checkRules(t, clientManifest, certificateRules("spec.credentials.certificate", `spec: {credentials: {method: TLSClientAuth, secretName: null, certificate: {PATCH}}}`))
}

// certificateRules answers the rules for certificates at a place; PATCH in format stands for its fields.
func certificateRules(at, format string) []rule {
	in := func(field string, values ...string) []string {
		var edits []string
		for _, v := range values {
			edits = append(edits, strings.ReplaceAll(format, "PATCH", field+": "+v))
		}
		return edits
	}
	names := func(values ...string) []string {
		var edits []string
		for _, v := range values {
			edits = append(edits, in("subjectAltNames", `["`+v+`"]`)...)
		}
		return edits
	}
	return []rule{
		{"subjects are attributes with values at " + at, at + ".subjects[0]",
			in("subjects", `["CN=d1-out"]`, `["CN=d1 out,O=Thales,OU=a,C=FR,L=x,ST=y,SERIALNUMBER=1"]`),
			in("subjects", `["d1-out"]`, `["CN="]`, `["CN=a,"]`, `["cn=a"]`, `["CN=`+long[:254]+`"]`)},
		{"subjects are a set of 1 to 16 at " + at, at + ".subjects", nil, in("subjects", `[]`, `[C=a,C=b,C=c,C=d,C=e,C=f,C=g,C=h,C=i,C=j,C=k,C=l,C=m,C=n,C=o,C=p,C=q]`)},
		{"subjects do not repeat at " + at, at + ".subjects[1]", nil, in("subjects", `[C=a, C=a]`)},
		{"an alternative name is a type and a value at " + at, at + ".subjectAltNames[0]",
			names("DNS:d1.thales.example", "DNS:a", "DNS:A-1.b", "URI:spiffe://thales.example/d1", "URI:urn:d1", "EMAIL:d1@thales.example", "IP:192.0.2.1", "IP:2001:db8::1", "IP:::1", "URI:x:"+strings.Repeat("a", 506)),
			names("", "d1.thales.example", "dns:a", "DNS:", "DNS:a b", "DNS:-a", "DNS:a-", "DNS:a..b", "DNS:a.", "DNS:.a", "DNS:a_b", "DNS:*.a", "DNS:a:443", "DNS:a,DNS:b",
				"URI:spiffe", "URI://a", "URI:1a:b", "URI:a:", "URI:a:b c", "URI:a:é", "EMAIL:a", "EMAIL:@a", "EMAIL:a@", "EMAIL:a b@c", "EMAIL:a@b@c", "IP:", "IP:a.example",
				"OTHER:a", " DNS:a", "DNS:a ", "URI:x:"+strings.Repeat("a", 507))},
		{"an alternative name of an address is one at " + at, at + ".subjectAltNames[0]", nil, names("IP:999.1.1.1", "IP:192.0.2.1.1", "IP::", "IP:fe80::1::2", "IP:....")},
		{"alternative names are a set of 1 to 16 at " + at, at + ".subjectAltNames",
			in("subjectAltNames", `["DNS:a","DNS:b","DNS:c","DNS:d","DNS:e","DNS:f","DNS:g","DNS:h","DNS:i","DNS:j","DNS:k","DNS:l","DNS:m","DNS:o","DNS:p","DNS:q"]`),
			in("subjectAltNames", `[]`, `["DNS:a","DNS:b","DNS:c","DNS:d","DNS:e","DNS:f","DNS:g","DNS:h","DNS:i","DNS:j","DNS:k","DNS:l","DNS:m","DNS:o","DNS:p","DNS:q","DNS:r"]`)},
		{"alternative names do not repeat at " + at, at + ".subjectAltNames[1]", nil, in("subjectAltNames", `["DNS:a", "DNS:a"]`)},
	}
}
