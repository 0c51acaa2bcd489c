package serving_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// placed is a gateway of a test: its hosts, and the CA bundle that it requires a certificate of, "" for none.
type placed struct {
	hosts  []string
	bundle string
	// certificate is for its first host; two gateways with the same name have the same.
	certificate string
}

// place serves the gateways, in that order.
func place(t *testing.T, gateways ...placed) *serving.State {
	t.Helper()
	state := serving.NewState(slog.New(slog.DiscardHandler))
	state.Apply(documentsOf(t, fixture.New(t), map[string]api.KeyCertificate{}, gateways))
	if problems := state.Problems(); len(problems) > 0 {
		t.Fatal(problems[0].Err)
	}
	return state
}

func documentsOf(t *testing.T, base *fixture.World, pairs map[string]api.KeyCertificate, gateways []placed) []serving.Update {
	t.Helper()
	var updates []serving.Update
	for i, p := range gateways {
		gateway, secrets := *base.Gateway, *base.Secrets
		gateway.Name, secrets.Name = fmt.Sprintf("gateway-%d", i), fmt.Sprintf("gateway-%d", i)
		gateway.GatewayID = fmt.Sprintf("MGW_%06d", i)
		gateway.Issuer = "https://d1.acme.example/merchant-gateways/" + gateway.GatewayID
		gateway.Hostnames = p.hosts
		if p.bundle != "" {
			secrets.CABundles = []api.CABundle{{ID: "client-ca", PEM: p.bundle}}
			gateway.ClientCertificate = &api.ClientCertificate{CABundle: "client-ca"}
		}
		if p.certificate != "" {
			if _, made := pairs[p.certificate]; !made {
				pairs[p.certificate] = serverCertificate(t, p.hosts[0])
			}
			secrets.Certificates = []api.KeyCertificate{pairs[p.certificate]}
			gateway.ServerCertificate = pairs[p.certificate].ID
		}
		updates = append(updates, encode(t, &secrets), encode(t, &gateway))
	}
	return updates
}

func serverCertificate(t *testing.T, host string) api.KeyCertificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: fixture.Now().Add(-time.Hour), NotAfter: fixture.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return api.KeyCertificate{ID: "server", CertificatePEM: block("CERTIFICATE", der), KeyPEM: api.NewSecret(block("PRIVATE KEY", encoded))}
}

// asking is what a handshake asks of the client.
type asking struct{ asks, requires, verifies, names bool }

var (
	nothing       = asking{}
	asksOnly      = asking{asks: true}
	asksAndNames  = asking{asks: true, names: true}
	requiresOne   = asking{asks: true, requires: true, verifies: true, names: true}
	requiresOfTwo = asking{asks: true, requires: true, verifies: true}
	requiresAny   = asking{asks: true, requires: true}
)

func TestWhatAHandshakeAsksOfTheClient(t *testing.T) {
	one, two := fixture.CABundle(t), fixture.CABundle(t)
	a, b := []string{"a.example"}, []string{"b.example"}
	var many []placed
	for range serving.MaxHandshakeBundles + 1 {
		many = append(many, placed{hosts: a, bundle: fixture.CABundle(t)})
	}
	for name, tc := range map[string]struct {
		gateways []placed
		want     map[string]asking // by the host that the client names
	}{
		"nothing without gateways":  {nil, map[string]asking{"a.example": nothing, "": nothing}},
		"nothing when none require": {[]placed{{hosts: a}, {}}, map[string]asking{"a.example": nothing, "x.example": nothing, "": nothing}},
		"all that one requires":     {[]placed{{hosts: a, bundle: one}}, map[string]asking{"a.example": requiresOne, "A.example.": requiresOne, "x.example": requiresOne, "": requiresOne}},
		"less where another requires none": {[]placed{{hosts: a, bundle: one}, {hosts: a}}, map[string]asking{
			"a.example": asksAndNames, "x.example": asksAndNames, "": asksAndNames,
		}},
		"by the host": {[]placed{{hosts: a, bundle: one}, {hosts: b}}, map[string]asking{
			"a.example": requiresOne, "b.example": nothing, "x.example": asksAndNames, "": asksAndNames,
		}},
		"with those on any host": {[]placed{{hosts: a, bundle: one}, {bundle: two}}, map[string]asking{
			"a.example": requiresOfTwo, "x.example": requiresOne, "": asksOnly,
		}},
		"less with one on any host that requires none": {[]placed{{hosts: a, bundle: one}, {}}, map[string]asking{
			"a.example": asksAndNames, "x.example": nothing, "": asksAndNames,
		}},
		"of either CA on one host": {[]placed{{hosts: a, bundle: one}, {hosts: a, bundle: two}}, map[string]asking{
			"a.example": requiresOfTwo, "x.example": asksOnly, "": asksOnly,
		}},
		"of the same CA on two hosts": {[]placed{{hosts: a, bundle: one}, {hosts: b, bundle: one}}, map[string]asking{
			"a.example": requiresOne, "b.example": requiresOne, "x.example": requiresOne, "": requiresOne,
		}},
		"some certificate where too many CAs would do": {many, map[string]asking{"a.example": requiresAny, "": asksOnly}},
		"all of as many CAs as it tries":               {many[1:], map[string]asking{"a.example": requiresOfTwo, "": asksOnly}},
	} {
		t.Run(name, func(t *testing.T) {
			snapshot := place(t, tc.gateways...).Snapshot()
			for host, want := range tc.want {
				h := snapshot.Handshake(host)
				if got := (asking{h.AsksClient, h.RequiresClient, h.ClientCAs != nil, h.NamedCAs != nil}); got != want {
					t.Errorf("on %q it is %+v, want %+v", host, got, want)
				}
			}
		})
	}
	if h := new(serving.Snapshot).Handshake("a.example"); h.AsksClient {
		t.Error("before any document a certificate is asked for")
	}
}

func TestAHandshakeAcceptsTheCAsOfAllGatewaysOnTheHost(t *testing.T) {
	one, two, three := fixture.CABundle(t), fixture.CABundle(t), fixture.CABundle(t)
	a := []string{"a.example"}
	h := place(t, placed{hosts: a, bundle: one}, placed{hosts: a, bundle: one + two}, placed{bundle: three}).Snapshot().Handshake("a.example")
	for i, bundle := range []string{one, two, three} {
		if ca := certificateOf(t, bundle); len(h.ClientCAs.IssuersOf(ca)) != 3 {
			t.Errorf("there are %d CAs by the name of CA %d", len(h.ClientCAs.IssuersOf(ca)), i)
		} else if _, err := ca.Verify(x509.VerifyOptions{Roots: h.ClientCAs.Pool(), CurrentTime: fixture.Now()}); err != nil {
			t.Errorf("CA %d: %v", i, err)
		}
	}
}

func certificateOf(t *testing.T, bundle string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(bundle))
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhichServerCertificatesAHandshakeMayPresent(t *testing.T) {
	snapshot := place(t,
		placed{hosts: []string{"a.example"}, certificate: "first"},
		placed{hosts: []string{"a.example", "b.example"}, certificate: "first"}, // not valid for b
		placed{hosts: []string{"a.example"}, certificate: "second"},
		placed{hosts: []string{"c.example"}},
	).Snapshot()
	for host, want := range map[string]int{"a.example": 2, "A.EXAMPLE": 2, "b.example": 0, "c.example": 0, "x.example": 0, "": 0} {
		if got := len(snapshot.Handshake(host).Certificates); got != want {
			t.Errorf("on %q there are %d, want %d", host, got, want)
		}
	}
}

func TestGatewaysWithTheSameBundleShareItsCAs(t *testing.T) {
	one, two := fixture.CABundle(t), fixture.CABundle(t)
	base := fixture.New(t)
	state := serving.NewState(slog.New(slog.DiscardHandler))
	serve := func(bundles ...string) []*serving.Authorities {
		var gateways []placed
		for _, b := range bundles {
			gateways = append(gateways, placed{bundle: b})
		}
		state.Apply(documentsOf(t, base, nil, gateways))
		var cas []*serving.Authorities
		for _, g := range state.Snapshot().Gateways() {
			cas = append(cas, g.ClientCAs)
		}
		return cas
	}
	first := serve(one, one, two)
	if first[0] != first[1] || first[0] == first[2] {
		t.Error("the first two share theirs, the third does not")
	}
	changed := serve(one, two, two)
	if changed[0] != first[0] || changed[1] != first[2] || changed[2] != first[2] {
		t.Error("a changed gateway does not share with those that were there")
	}
	if n := state.Bundles(); n != 2 {
		t.Errorf("%d bundles are kept", n)
	}
	serve(two, two, two)
	if n := state.Bundles(); n != 1 {
		t.Errorf("%d bundles are kept after the last gateway with one of them has changed", n)
	}
}

func TestABundleMayHoldMoreThanCertificates(t *testing.T) {
	one, two := fixture.CABundle(t), fixture.CABundle(t)
	other := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte{1}}))
	broken := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{1}}))
	state := place(t, placed{bundle: "# comment\n" + one + other + broken + two + one})
	cas := state.Snapshot().Gateways()[0].ClientCAs
	if n := len(cas.IssuersOf(certificateOf(t, one))); n != 2 {
		t.Errorf("it holds %d CAs", n)
	}
	state.Apply(documentsOf(t, fixture.New(t), nil, []placed{{bundle: other + broken}}))
	if len(state.Problems()) != 1 || state.Snapshot().Gateways()[0].ClientCAs != cas {
		t.Error("a bundle without certificates is served")
	}
}
