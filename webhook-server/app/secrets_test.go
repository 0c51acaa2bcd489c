package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

const (
	plantedSecret = "planted-secret-that-nobody-may-see"
	cardNumber    = "4111111111111111" // passes the Luhn check
)

// TestNoLogLineMetricOrAnswerHoldsASecretATokenOrACardNumber goes through the error paths with planted values; package running looks for
// them when the server ends.
func TestNoLogLineMetricOrAnswerHoldsASecretATokenOrACardNumber(t *testing.T) {
	t.Parallel()
	w := running.Start(t, func(w *running.World) {
		w.Planted(plantedSecret)
		w.Documents.Client.Credentials[0] = fixture.Credential("planted", plantedSecret, fixture.Now())
		w.Documents.Gateway.Delivery.URL = "http://127.0.0.1:9/" + plantedSecret
	})
	c, t0 := w.Client(), running.T0()
	for _, authorization := range []string{
		fixture.BasicAuthorization(fixture.ClientID, plantedSecret+"x"), fixture.BasicAuthorization(plantedSecret, plantedSecret),
		fixture.BasicAuthorization(cardNumber, "x"), "Basic " + plantedSecret, plantedSecret, "",
	} {
		c.Do(t0.With("Authorization", authorization))
	}
	c.Do(t0.With("Authorization").WithPath(t0.Path + "?client_secret=" + plantedSecret).WithBody(t0.Body + "&client_secret=" + plantedSecret))
	c.Do(t0.With("Authorization", fixture.BasicAuthorization(fixture.ClientID, plantedSecret)).WithBody(t0.Body + "&scope=" + plantedSecret))

	token := w.TokenOf(c, fixture.ClientID, plantedSecret)
	good := `{"updateType":"CARD_UPDATE","pan":"` + cardNumber + `","secret":"` + plantedSecret + `"}`
	n := running.N0(token).WithToken(cardNumber).WithBody(good).With("x-correlation-id", cardNumber)
	if a := c.Do(n); a.Status != http.StatusNoContent {
		t.Fatalf("answer %s", a)
	}
	c.Do(n.With("Authorization", "Bearer "+token+"x"))
	c.Do(n.WithBody(`{"updateType":"` + plantedSecret + `"}`))
	c.Do(running.N0(token).WithToken(cardNumber + "%0a" + plantedSecret))
	c.Do(n.WithBody(plantedSecret).With("x-correlation-id", plantedSecret+" "+cardNumber))
	w.Eventually("the failed delivery is not logged", func() bool { return strings.Contains(w.Log.String(), "connection_refused") })
}
