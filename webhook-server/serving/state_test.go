package serving_test

import (
	"log/slog"
	"os"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

func encode(t testing.TB, d api.Document) serving.Update {
	t.Helper()
	data, err := api.Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	return serving.Update{Object: d.Head().ObjectName(), Data: data}
}

func isServed(w *fixture.World) bool {
	return w.Snapshot().Gateway("any.example", w.Gateway.GatewayID) != nil
}

func TestAGatewayIsServedOnceBothOfItsDocumentsAreThereInEitherOrder(t *testing.T) {
	w := fixture.New(t)
	gateway, secrets, client := encode(t, w.Gateway), encode(t, w.Secrets), encode(t, w.Client)
	for name, order := range map[string][]serving.Update{
		"secrets first": {secrets, gateway, client},
		"gateway first": {gateway, client, secrets},
		"client first":  {client, gateway, secrets},
	} {
		t.Run(name, func(t *testing.T) {
			state := serving.NewState(slog.New(slog.DiscardHandler))
			for i, u := range order {
				if c := state.Snapshot().Client("h", fixture.TokenPath, fixture.ClientID); c != nil {
					t.Fatalf("a client is served after %d documents", i)
				}
				state.Apply([]serving.Update{u})
			}
			if c := state.Snapshot().Client("h", fixture.TokenPath, fixture.ClientID); c == nil {
				t.Error("the client is not served")
			}
			if p := state.Problems(); len(p) != 0 {
				t.Errorf("problems: %v", p)
			}
		})
	}
}

func TestADocumentThatIsNotValidNeverReplacesAGoodOne(t *testing.T) {
	for name, bad := range map[string]func(w *fixture.World) serving.Update{
		"garbage": func(w *fixture.World) serving.Update {
			return serving.Update{Object: w.Gateway.ObjectName(), Data: []byte("{")}
		},
		"another object's document": func(w *fixture.World) serving.Update {
			return serving.Update{Object: w.Gateway.ObjectName(), Data: encode(t, w.Client).Data}
		},
		"a key that is not there": func(w *fixture.World) serving.Update {
			w.Gateway.SigningKeys = []string{"key-of-nobody"}
			return encode(t, w.Gateway)
		},
		"a key that cannot be read": func(w *fixture.World) serving.Update {
			w.Secrets.SigningKeys[0].PrivateKey = api.NewSecret("not PEM")
			return encode(t, w.Secrets)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := fixture.New(t)
			before := w.Compiled()
			w.State.Apply([]serving.Update{bad(w)})
			if w.Compiled() != before {
				t.Error("the good gateway was replaced")
			}
			if p := w.State.Problems(); len(p) != 1 || p[0].Object != w.Gateway.ObjectName() {
				t.Errorf("problems are %v", p)
			}
		})
	}
}

func TestAProblemEndsWithTheNextGoodDocument(t *testing.T) {
	w := fixture.New(t)
	w.State.Apply([]serving.Update{{Object: w.Client.ObjectName(), Data: []byte("{")}})
	if len(w.State.Problems()) != 1 {
		t.Fatal("no problem is reported")
	}
	w.Client.Scopes = []string{"other"}
	w.State.Apply([]serving.Update{encode(t, w.Client)})
	if p := w.State.Problems(); len(p) != 0 {
		t.Errorf("problems are %v", p)
	}
	if c := w.Snapshot().Client("h", fixture.TokenPath, fixture.ClientID); c.Scopes[0] != "other" {
		t.Error("the new document is not served")
	}
}

func TestWhatIsDeletedIsNotServed(t *testing.T) {
	t.Run("a client", func(t *testing.T) {
		w := fixture.New(t)
		w.Delete(w.Client)
		if c := w.Snapshot().Client("h", fixture.TokenPath, fixture.ClientID); c != nil {
			t.Error("it is served")
		}
	})
	t.Run("a gateway, and its clients with it until it returns", func(t *testing.T) {
		w := fixture.New(t)
		w.Delete(w.Gateway)
		if c := w.Snapshot().Client("h", fixture.TokenPath, fixture.ClientID); c != nil || isServed(w) {
			t.Error("it is served")
		}
		w.State.Apply([]serving.Update{encode(t, w.Gateway)})
		if c := w.Snapshot().Client("h", fixture.TokenPath, fixture.ClientID); c == nil {
			t.Error("the client did not return with its gateway")
		}
	})
	t.Run("but a gateway whose secrets alone are gone serves on", func(t *testing.T) {
		w := fixture.New(t)
		w.Delete(w.Secrets)
		if !isServed(w) {
			t.Error("it is not served")
		}
	})
}

func TestAGatewayWithHostnamesAnswersOnThoseOnly(t *testing.T) {
	w := fixture.New(t)
	w.Gateway.Hostnames = []string{"d1.acme.example"}
	w.Publish()
	for host, want := range map[string]bool{
		"d1.acme.example": true, "D1.ACME.example:8443": true, "d1.acme.example.": true,
		"other.example": false, "": false, "d1.acme.example.other": false,
	} {
		if got := w.Snapshot().IsTokenPath(host, fixture.TokenPath); got != want {
			t.Errorf("on %q: %v", host, got)
		}
		if got := w.Snapshot().Gateway(host, fixture.GatewayID) != nil; got != want {
			t.Errorf("on %q: %v", host, got)
		}
	}
}

func TestOneClientIDOnTwoHostsIsTwoClients(t *testing.T) {
	w := fixture.New(t)
	w.Gateway.Hostnames = []string{"one.example"}
	w.Publish()
	other := w.Another("globex", "MGW_000002", fixture.ClientID)
	other.Gateway.Hostnames = []string{"two.example"}
	other.Publish()
	for host, want := range map[string]string{"one.example": "acme", "two.example": "globex"} {
		if c := w.Snapshot().Client(host, fixture.IssuerTokenPath, fixture.ClientID); c.Client.Gateway != want {
			t.Errorf("on %s it is a client of %s", host, c.Client.Gateway)
		} else if dialect, ok := c.Gateway.TokenDialect(fixture.IssuerTokenPath); !ok || dialect != api.DialectIssuer {
			t.Errorf("its dialect is %q", dialect)
		}
	}
}

func TestASuccessorSignsFromItsMomentAndBothVerify(t *testing.T) {
	w := fixture.New(t)
	next := fixture.SigningKey(t, "key-2", api.EdDSA, fixture.Now())
	next.SignsFrom = fixture.Now().Add(time.Hour)
	w.Secrets.SigningKeys = append(w.Secrets.SigningKeys, next)
	w.Gateway.SigningKeys = append(w.Gateway.SigningKeys, next.ID)
	w.Publish()
	g := w.Compiled()
	first := w.Gateway.SigningKeys[0]
	for at, want := range map[time.Duration]string{0: first, time.Hour - time.Second: first, time.Hour: "key-2", 48 * time.Hour: "key-2"} {
		if got := g.SigningKey(fixture.Now().Add(at)).ID; got != want {
			t.Errorf("%s later %s signs", at, got)
		}
	}
	if g.VerificationKey(first) == nil || g.VerificationKey("key-2") == nil || g.VerificationKey("key-3") != nil {
		t.Error("other keys verify than those of the document")
	}
}

func TestAMerchantHasItsOwnDestinationOrTheDefault(t *testing.T) {
	w := fixture.New(t)
	own := *w.Gateway.Delivery
	own.URL = "https://own.example/"
	w.Gateway.Merchants = append(w.Gateway.Merchants, api.Merchant{ID: "40010000002", Delivery: &own})
	w.Publish()
	for merchant, lane := range map[string]string{fixture.MerchantID: "payments/acme/MGW_000001", "40010000002": "payments/acme/MGW_000001/40010000002", "40010000003": ""} {
		d := w.Compiled().Destination(merchant)
		if (d == nil) != (lane == "") || (d != nil && d.Lane != lane) {
			t.Errorf("destination of %s is %+v", merchant, d)
		}
	}
	w.Gateway.DeliverUnlisted = true
	w.Publish()
	if d := w.Compiled().Destination("40010000003"); d == nil || d.Lane != "payments/acme/MGW_000001" {
		t.Error("an unlisted merchant does not get the default")
	}
}

func TestASnapshotIsIncompleteWhileADocumentIsThereThatNothingIsServedOf(t *testing.T) {
	w := fixture.New(t)
	gateway, secrets, client := encode(t, w.Gateway), encode(t, w.Secrets), encode(t, w.Client)
	garbage := func(u serving.Update) serving.Update { return serving.Update{Object: u.Object, Data: []byte("{")} }
	for name, tc := range map[string]struct {
		updates []serving.Update
		want    bool
	}{
		"nothing at all":                             {nil, false},
		"everything":                                 {[]serving.Update{gateway, secrets, client}, false},
		"a gateway without its secrets":              {[]serving.Update{gateway, client}, true},
		"garbage for a gateway":                      {[]serving.Update{garbage(gateway), secrets}, true},
		"garbage for a client":                       {[]serving.Update{gateway, secrets, garbage(client)}, true},
		"a file that cannot be read":                 {[]serving.Update{gateway, secrets, {Object: client.Object, Err: os.ErrPermission}}, true},
		"garbage for what is served already":         {[]serving.Update{gateway, secrets, client, garbage(gateway), garbage(secrets), garbage(client)}, false},
		"garbage that is gone again":                 {[]serving.Update{gateway, secrets, garbage(client), {Object: client.Object}}, false},
		"secrets that came after all":                {[]serving.Update{gateway, client, secrets}, false},
		"a client whose gateway nobody has declared": {[]serving.Update{client}, false},
	} {
		t.Run(name, func(t *testing.T) {
			state := serving.NewState(slog.New(slog.DiscardHandler))
			for _, u := range tc.updates {
				state.Apply([]serving.Update{u})
			}
			if got := state.Snapshot().Incomplete(); got != tc.want {
				t.Errorf("incomplete is %v; problems %v", got, state.Problems())
			}
			for _, p := range state.Problems() {
				if p.Replaced == tc.want {
					t.Errorf("%s: replaced is %v", p.Object, p.Replaced)
				}
			}
		})
	}
}
