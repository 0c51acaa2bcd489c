package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
)

const (
	plantedSecret = "planted-secret-that-nobody-may-see"
	cardNumber    = "4111111111111111" // passes the Luhn check
)

// TestNoLogLineMetricOrAnswerHoldsASecretATokenOrACardNumber goes through the error paths with planted values, and then looks for them.
func TestNoLogLineMetricOrAnswerHoldsASecretATokenOrACardNumber(t *testing.T) {
	w := start(t, func(w *world) {
		w.Client.Credentials[0] = fixture.Credential("planted", plantedSecret, fixture.Now())
		w.Gateway.Delivery.URL = "http://127.0.0.1:9/" + plantedSecret
	})
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	basic := func(id, secret string) map[string]string {
		return map[string]string{"Content-Type": form["Content-Type"], "Authorization": fixture.BasicAuthorization(id, secret)}
	}
	var answers strings.Builder
	request := func(path, body string, header map[string]string) answer {
		a := do(t, http.DefaultClient, http.MethodPost, w.url()+path, body, header)
		answers.WriteString(a.body)
		for _, values := range a.header {
			answers.WriteString(strings.Join(values, " "))
		}
		return a
	}
	grant := "grant_type=client_credentials"
	for _, header := range []map[string]string{
		basic(fixture.ClientID, plantedSecret+"x"), basic(plantedSecret, plantedSecret), basic(cardNumber, "x"),
		{"Authorization": "Basic " + plantedSecret}, {"Authorization": plantedSecret}, form,
	} {
		request(fixture.TokenPath, grant, header)
	}
	request(fixture.TokenPath+"?client_secret="+plantedSecret, grant+"&client_secret="+plantedSecret, form)
	request(fixture.TokenPath, grant+"&scope="+plantedSecret, basic(fixture.ClientID, plantedSecret))

	issued := do(t, http.DefaultClient, http.MethodPost, w.url()+fixture.TokenPath, grant, basic(fixture.ClientID, plantedSecret))
	token := accessToken(t, issued)
	notify := func(tokenID, body string, header map[string]string) answer {
		header["Content-Type"] = "application/json"
		return request(strings.Replace(fixture.NotifyPath, fixture.TokenID, tokenID, 1), body, header)
	}
	good := `{"updateType":"CARD_UPDATE","pan":"` + cardNumber + `","secret":"` + plantedSecret + `"}`
	if a := notify(cardNumber, good, map[string]string{"Authorization": "Bearer " + token, "x-correlation-id": cardNumber}); a.status != http.StatusNoContent {
		t.Fatalf("answer %+v", a)
	}
	notify(cardNumber, good, map[string]string{"Authorization": "Bearer " + token + "x"})
	notify(cardNumber, `{"updateType":"`+plantedSecret+`"}`, map[string]string{"Authorization": "Bearer " + token})
	notify(cardNumber+"%0a"+plantedSecret, good, map[string]string{"Authorization": "Bearer " + token})
	notify(cardNumber, plantedSecret, map[string]string{"Authorization": "Bearer " + token, "x-correlation-id": plantedSecret + " " + cardNumber})
	eventually(t, "the failed delivery is not logged", func() bool { return strings.Contains(w.log.String(), "connection_refused") })

	metrics := do(t, http.DefaultClient, http.MethodGet, w.metricsURL("/metrics"), "", nil).body
	ready := do(t, http.DefaultClient, http.MethodGet, w.metricsURL("/readyz?verbose"), "", nil).body
	for name, text := range map[string]string{"the log": w.log.String(), "an answer": answers.String(), "a metric": metrics, "readiness": ready} {
		for what, planted := range map[string]string{"a secret": plantedSecret, "a card number": cardNumber, "a token": token, "a token's signature": token[strings.LastIndex(token, ".")+1:]} {
			if strings.Contains(text, planted) {
				t.Errorf("%s holds %s", name, what)
			}
		}
		if text == "" {
			t.Errorf("%s is empty: nothing was looked at", name)
		}
	}
}
