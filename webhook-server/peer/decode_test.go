package peer_test

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/peer"
)

// chains are what the tables of the decoders are made of.
type chains struct {
	ca, root          *x509.Certificate
	leaf, other       *x509.Certificate
	tooMany, allowed  []*x509.Certificate
	behindCA          []*x509.Certificate
	corrupt, trailing []byte
}

func newChains(tb testing.TB) chains {
	tb.Helper()
	root := newAuthority(tb, "Thales CA")
	issuing := root.intermediate("Thales issuing CA")
	c := chains{ca: issuing.certificate, root: root.certificate, leaf: issuing.leaf(), other: issuing.leaf()}
	c.allowed = []*x509.Certificate{c.leaf}
	for len(c.allowed) < peer.MaxCertificates {
		c.allowed = append(c.allowed, c.ca)
	}
	c.tooMany = append(append([]*x509.Certificate{}, c.allowed...), c.ca)
	c.behindCA = []*x509.Certificate{c.leaf, c.ca, c.root}
	c.corrupt = c.leaf.Raw[:len(c.leaf.Raw)-1]
	c.trailing = append(append([]byte{}, c.leaf.Raw...), 0)
	return c
}

func sequences(chain ...*x509.Certificate) string {
	var list []string
	for _, c := range chain {
		list = append(list, byteSequence(c))
	}
	return strings.Join(list, ", ")
}

func wrap(der []byte) string { return ":" + base64.StdEncoding.EncodeToString(der) + ":" }

// decoded is a row: what a value means.
type decoded struct {
	value, chain string
	want         []*x509.Certificate
	err          error
}

func checkDecoder(t *testing.T, rows map[string]decoded, decode func(value, chain string) ([]*x509.Certificate, error)) {
	t.Helper()
	for name, tc := range rows {
		t.Run(name, func(t *testing.T) {
			got, err := decode(tc.value, tc.chain)
			if !errors.Is(err, tc.err) || (tc.err == nil) != (err == nil) {
				t.Fatalf("error is %v, want %v", err, tc.err)
			}
			if !equalChains(got, tc.want) {
				t.Errorf("%d certificates, want %d", len(got), len(tc.want))
			}
		})
	}
}

func TestClientCertOfRFC9440(t *testing.T) {
	c := newChains(t)
	one := []*x509.Certificate{c.leaf}
	checkDecoder(t, map[string]decoded{
		"a certificate":                             {byteSequence(c.leaf), "", one, nil},
		"with spaces around it":                     {" " + byteSequence(c.leaf) + "\t", "", one, nil},
		"without padding":                           {strings.ReplaceAll(byteSequence(c.leaf), "=", ""), "", one, nil},
		"with a chain":                              {byteSequence(c.leaf), sequences(c.ca, c.root), c.behindCA, nil},
		"with a chain without spaces":               {byteSequence(c.leaf), strings.ReplaceAll(sequences(c.ca, c.root), " ", ""), c.behindCA, nil},
		"with the longest chain":                    {byteSequence(c.leaf), sequences(c.allowed[1:]...), c.allowed, nil},
		"with a chain that is too long":             {byteSequence(c.leaf), sequences(c.tooMany[1:]...), nil, peer.ErrUnreadable},
		"empty":                                     {"", "", nil, peer.ErrNoCertificate},
		"blank":                                     {" ", " ", nil, peer.ErrNoCertificate},
		"an empty byte sequence":                    {"::", "", nil, peer.ErrUnreadable},
		"one colon":                                 {":", "", nil, peer.ErrUnreadable},
		"without colons":                            {strings.Trim(byteSequence(c.leaf), ":"), "", nil, peer.ErrUnreadable},
		"with a parameter":                          {byteSequence(c.leaf) + ";a=1", "", nil, peer.ErrUnreadable},
		"two items":                                 {sequences(c.leaf, c.ca), "", nil, peer.ErrUnreadable},
		"a string":                                  {`"` + byteSequence(c.leaf) + `"`, "", nil, peer.ErrUnreadable},
		"PEM":                                       {escaped(c.leaf), "", nil, peer.ErrUnreadable},
		"base64 in the URL-safe alphabet":           {strings.NewReplacer("+", "-", "/", "_").Replace(wrap(append([]byte{0xfb, 0xff}, c.leaf.Raw...))), "", nil, peer.ErrUnreadable},
		"spaces in the base64":                      {strings.Replace(byteSequence(c.leaf), "MII", "MII ", 1), "", nil, peer.ErrUnreadable},
		"line ends in the base64":                   {strings.Replace(byteSequence(c.leaf), "MII", "MII\r\n", 1), "", nil, peer.ErrUnreadable},
		"a certificate that was cut":                {wrap(c.corrupt), "", nil, peer.ErrUnreadable},
		"a certificate with something behind it":    {wrap(c.trailing), "", nil, peer.ErrUnreadable},
		"two certificates in one byte sequence":     {wrap(append(append([]byte{}, c.leaf.Raw...), c.ca.Raw...)), "", nil, peer.ErrUnreadable},
		"a chain alone":                             {"", sequences(c.ca), nil, peer.ErrUnreadable},
		"a chain with an empty member":              {byteSequence(c.leaf), sequences(c.ca) + ",", nil, peer.ErrUnreadable},
		"a chain that holds a client's certificate": {byteSequence(c.other), sequences(c.leaf), nil, peer.ErrUnreadable},
		"a chain that holds something else":         {byteSequence(c.leaf), wrap([]byte("x")), nil, peer.ErrUnreadable},
	}, peer.DecodeClientCert)
}

func TestXForwardedClientCertOfEnvoy(t *testing.T) {
	c := newChains(t)
	one := []*x509.Certificate{c.leaf}
	cert, chain := `Cert="`+escaped(c.leaf)+`"`, `Chain="`+escaped(c.behindCA...)+`"`
	const details = `By=spiffe://cluster.local/ns/ingress;Hash=468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688;`
	const names = `;Subject="CN=d1\"out,O=Thales";URI=http://testclient.example?a=b;DNS=a.example;DNS=b.example`
	checkDecoder(t, map[string]decoded{
		"Cert":                     {cert, "", one, nil},
		"Cert among other details": {details + cert + names, "", one, nil},
		"Cert without quotes":      {"Cert=" + escaped(c.leaf), "", one, nil},
		"keys in any case":         {strings.Replace(cert, "Cert", "cERT", 1), "", one, nil},
		"spaces around it":         {" " + details + cert + " ", "", one, nil},
		"Chain":                    {details + chain, "", c.behindCA, nil},
		"Chain and Cert":           {details + cert + ";" + chain + names, "", c.behindCA, nil},
		"the last of two elements": {`Cert="` + escaped(c.other) + `",` + details + cert, "", one, nil},
		"the last of two elements behind a space":        {`Hash=1, ` + cert, "", one, nil},
		"the last of three elements":                     {`Hash=1,` + details + chain + `,` + cert, "", one, nil},
		"separators in quotes":                           {`Subject="a,b;c=d,Cert=x",` + cert, "", one, nil},
		"empty":                                          {"", "", nil, peer.ErrNoCertificate},
		"blank":                                          {"  ", "", nil, peer.ErrNoCertificate},
		"no certificate":                                 {details + `Subject=""`, "", nil, peer.ErrUnreadable},
		"no certificate in the last element":             {cert + `,` + details + `DNS=a`, "", nil, peer.ErrUnreadable},
		"Cert twice":                                     {cert + ";" + cert, "", nil, peer.ErrUnreadable},
		"Cert twice in two cases":                        {cert + ";cert=" + escaped(c.other), "", nil, peer.ErrUnreadable},
		"Chain twice":                                    {chain + ";" + chain, "", nil, peer.ErrUnreadable},
		"an empty Cert":                                  {`Cert=""`, "", nil, peer.ErrUnreadable},
		"an empty Cert beside a Chain":                   {`Cert="";` + chain, "", nil, peer.ErrUnreadable},
		"Chain of another client":                        {`Cert="` + escaped(c.other) + `";` + chain, "", nil, peer.ErrUnreadable},
		"Chain in Cert beside a Chain":                   {`Cert="` + escaped(c.behindCA...) + `";` + chain, "", nil, peer.ErrUnreadable},
		"Chain that holds a second client's certificate": {`Chain="` + escaped(c.other, c.leaf) + `"`, "", nil, peer.ErrUnreadable},
		"base64 in Cert":                                 {`Cert="` + plainBase64(c.leaf) + `"`, "", nil, peer.ErrUnreadable},
		"bad percent encoding":                           {`Cert="%zz"`, "", nil, peer.ErrUnreadable},
		"a quote that is not closed":                     {details + `Cert="` + escaped(c.leaf), "", nil, peer.ErrUnreadable},
		"text behind a closing quote":                    {cert + `x`, "", nil, peer.ErrUnreadable},
		"a quote within a bare value":                    {`By=a"b;` + cert, "", nil, peer.ErrUnreadable},
		"a pair without an equals sign":                  {`By;` + cert, "", nil, peer.ErrUnreadable},
		"no key":                                         {`=a;` + cert, "", nil, peer.ErrUnreadable},
		"a separator at the end":                         {cert + ";", "", nil, peer.ErrUnreadable},
		"an empty element at the end":                    {cert + ",", "", nil, peer.ErrUnreadable},
		"base64 alone":                                   {plainBase64(c.leaf), "", nil, peer.ErrUnreadable},
		// The client's element shifts the quotes of what the proxy appends.
		"an open quote before the proxy's element":     {`Cert="` + escaped(c.other) + `";X=",` + details + cert, "", nil, peer.ErrUnreadable},
		"an open quote and a backslash before it":      {`Cert="` + escaped(c.other) + `";X="\,` + details + cert, "", nil, peer.ErrUnreadable},
		"an open quote before an element with no more": {`Cert="` + escaped(c.other) + `";X=",Hash=1`, "", nil, peer.ErrUnreadable},
		"half a pair before the proxy's element":       {`Cert="` + escaped(c.other) + `";X,` + details + cert, "", nil, peer.ErrUnreadable},
	}, func(value, _ string) ([]*x509.Certificate, error) { return peer.DecodeXFCC(value) })
}

func TestPEMAndBase64InAnyOtherHeader(t *testing.T) {
	c := newChains(t)
	one := []*x509.Certificate{c.leaf}
	checkDecoder(t, map[string]decoded{
		"percent-encoded PEM":                            {escaped(c.leaf), "", one, nil},
		"percent-encoded PEM of a chain":                 {escaped(c.behindCA...), "", c.behindCA, nil},
		"percent-encoded PEM with + = / left":            {awsEscaped(c.behindCA...), "", c.behindCA, nil},
		"percent-encoded PEM with its hyphens encoded":   {strings.ReplaceAll(escaped(c.leaf), "-", "%2d"), "", one, nil},
		"PEM with spaces for line ends":                  {strings.ReplaceAll(pemOf(c.behindCA...), "\n", " "), "", c.behindCA, nil},
		"PEM with CRLF":                                  {strings.ReplaceAll(escaped(c.leaf), "%0A", "%0D%0A"), "", one, nil},
		"PEM without line ends":                          {strings.ReplaceAll(pemOf(c.leaf), "\n", ""), "", one, nil},
		"base64":                                         {plainBase64(c.leaf), "", one, nil},
		"base64 of a chain":                              {plainBase64(c.behindCA...), "", c.behindCA, nil},
		"base64 that is percent-encoded":                 {strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D", ",", "%2C").Replace(plainBase64(c.behindCA...)), "", c.behindCA, nil},
		"the longest chain":                              {escaped(c.allowed...), "", c.allowed, nil},
		"the longest chain in base64":                    {plainBase64(c.allowed...), "", c.allowed, nil},
		"a chain that is too long":                       {escaped(c.tooMany...), "", nil, peer.ErrUnreadable},
		"a chain in base64 that is too long":             {plainBase64(c.tooMany...), "", nil, peer.ErrUnreadable},
		"empty":                                          {"", "", nil, peer.ErrNoCertificate},
		"blank":                                          {" %20%0A", "", nil, peer.ErrNoCertificate},
		"bad percent encoding":                           {"%zz", "", nil, peer.ErrUnreadable},
		"text before the PEM":                            {"Bag%20Attributes%0A" + escaped(c.leaf), "", nil, peer.ErrUnreadable},
		"text behind the PEM":                            {escaped(c.leaf) + "x", "", nil, peer.ErrUnreadable},
		"a comma between PEMs":                           {escaped(c.leaf) + "," + escaped(c.ca), "", nil, peer.ErrUnreadable},
		"PEM headers":                                    {strings.Replace(pemOf(c.leaf), "-----\n", "-----\nA: b\n\n", 1), "", nil, peer.ErrUnreadable},
		"PEM of a key":                                   {strings.ReplaceAll(escaped(c.leaf), "CERTIFICATE", "PRIVATE KEY"), "", nil, peer.ErrUnreadable},
		"PEM without an end":                             {strings.Split(pemOf(c.leaf), "-----END")[0], "", nil, peer.ErrUnreadable},
		"PEM whose second certificate has no beginning":  {pemOf(c.leaf) + plainBase64(c.ca) + "-----END CERTIFICATE-----", "", nil, peer.ErrUnreadable},
		"PEM of nothing":                                 {"-----BEGIN CERTIFICATE----------END CERTIFICATE-----", "", nil, peer.ErrUnreadable},
		"+ for blanks":                                   {strings.ReplaceAll(pemOf(c.leaf), "\n", "+"), "", nil, peer.ErrUnreadable},
		"base64 that was cut":                            {plainBase64(c.leaf)[:101], "", nil, peer.ErrUnreadable},
		"base64 of something else":                       {"c29tZXRoaW5nIGVsc2U=", "", nil, peer.ErrUnreadable},
		"base64 with line ends":                          {strings.Replace(plainBase64(c.leaf), "MII", "MII%0A", 1), "", nil, peer.ErrUnreadable},
		"base64 with an empty member":                    {plainBase64(c.leaf) + ",", "", nil, peer.ErrUnreadable},
		"none":                                           {"(null)", "", nil, peer.ErrUnreadable},
		"a second client's certificate behind":           {escaped(c.other, c.leaf), "", nil, peer.ErrUnreadable},
		"a second client's certificate behind a comma":   {plainBase64(c.other, c.leaf), "", nil, peer.ErrUnreadable},
		"a second client's certificate behind the chain": {plainBase64(c.other, c.ca, c.leaf), "", nil, peer.ErrUnreadable},
	}, func(value, _ string) ([]*x509.Certificate, error) { return peer.DecodePlain(value) })
}
