package translate_test

import (
	"testing"

	"github.com/d1gateway/d1gateway/api/serving"
)

// formerDocuments are as the operator wrote them before deliveries had a list of waits, OAuth and dated secrets.
var formerDocuments = map[string]string{
	"Gateway": `{
  "format": "d1gateway.io/serving/v1",
  "kind": "Gateway",
  "namespace": "payments",
  "name": "acme",
  "generation": 0,
  "gatewayID": "MGW_000001",
  "tokenEndpoints": [
    {
      "path": "/oauth2/token",
      "dialect": "Ecom"
    }
  ],
  "authMethods": [
    "client_secret_basic"
  ],
  "issuer": "https://localhost:8443/merchant-gateways/MGW_000001",
  "accessTokenSeconds": 900,
  "signingKeys": [
    "edncwjdavvoc"
  ],
  "merchants": [
    {
      "id": "40010000001"
    }
  ],
  "delivery": {
    "url": "http://127.0.0.1:9000/hooks/d1",
    "timeoutSeconds": 10,
    "retry": {
      "maxAgeHours": 72,
      "initialSeconds": 1,
      "maxSeconds": 3600
    },
    "signingSecrets": [
      "generated-3b130ca70fe37533"
    ],
    "maxInFlight": 10
  }
}
`,
	"GatewaySecrets": `{
  "format": "d1gateway.io/serving/v1",
  "kind": "GatewaySecrets",
  "namespace": "payments",
  "name": "acme",
  "generation": 0,
  "signingKeys": [
    {
      "id": "edncwjdavvoc",
      "algorithm": "ES256",
      "privateKey": "made up",
      "createdAt": "2026-11-22T01:20:41Z",
      "signsFrom": "2026-11-22T01:20:41Z"
    }
  ],
  "signingSecrets": [
    {
      "id": "generated-3b130ca70fe37533",
      "secret": "whsec_bWFkZS11cCBzaWduaW5nIHNlY3JldCBudW1iZXIgMQ=="
    }
  ]
}
`,
}

// TestDocumentsOfTheVersionBeforeAreRead by operators, that keep what they promise, and by servers that are updated first. The golden case
// delivery-documents-of-before shows that they stay as they are.
func TestDocumentsOfTheVersionBeforeAreRead(t *testing.T) {
	t.Parallel()
	for kind, text := range formerDocuments {
		document, err := serving.Decode([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if again, err := serving.Encode(document); err != nil || string(again) != text {
			t.Errorf("%s is written otherwise: %v", kind, err)
		}
	}
}
