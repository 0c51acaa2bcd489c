package render

import (
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
)

func TestAChangedSecretIsARotation(t *testing.T) {
	p := newPlaces(t, gatewayManifest, existingManifest, secretManifest("123"))
	p.must(exitReady, start)
	p.write("all.yaml", gatewayManifest, existingManifest, secretManifest("another secret of more than 32 characters"))
	p.must(exitReady, start.Add(time.Hour))
	live := document[*serving.Client](p, "client.default.thales.json").Credentials
	if len(live) != 2 || !live[0].Digest.Equal(serving.DigestSecret("another secret of more than 32 characters")) || !live[1].ExpiresAt.Equal(start.Add(169*time.Hour)) {
		t.Fatalf("the credentials are %+v, want both, the former one for 168 hours", live)
	}
	p.must(exitReady, start.Add(169*time.Hour))
	if live := document[*serving.Client](p, "client.default.thales.json").Credentials; len(live) != 1 {
		t.Errorf("after the overlap the credentials are %+v", live)
	}
}

func TestAGeneratedSecretRotatesOnRequest(t *testing.T) {
	p := newPlaces(t, gatewayManifest, generatedManifest)
	p.must(exitReady, start)
	first := p.files()["secrets/default.made-here.yaml"]
	p.write("all.yaml", gatewayManifest, strings.Replace(generatedManifest, "{name: generated}", `{name: generated, annotations: {d1gateway.io/rotate-requested-at: now}}`, 1))
	p.must(exitReady, start.Add(time.Hour))
	second := p.files()["secrets/default.made-here.yaml"]
	formerSecret := between(first, "client_secret: ", "\n")
	if formerSecret == "" || between(second, "client_secret_previous: ", "\n") != formerSecret || between(second, "client_secret: ", "\n") == formerSecret {
		t.Errorf("the Secret was\n%s\nand is\n%s", first, second)
	}
	if got := document[*serving.Client](p, "client.default.generated.json"); len(got.Credentials) != 2 || got.RotationRequest != "now" {
		t.Errorf("the document is %+v", got)
	}
}

func between(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}

func TestNoOverlapEndsFormerSecretsAtOnce(t *testing.T) {
	p := newPlaces(t, gatewayManifest, existingManifest, generatedManifest, secretManifest("123"))
	p.must(exitReady, start)
	rotated := strings.Replace(generatedManifest, "{name: generated}", `{name: generated, annotations: {d1gateway.io/rotate-requested-at: now}}`, 1)
	p.write("all.yaml", gatewayManifest, existingManifest, rotated, secretManifest("another"))
	p.must(exitReady, start.Add(time.Hour))
	clients := []string{"client.default.thales.json", "client.default.generated.json"}
	current := map[string]string{}
	for _, name := range clients {
		live := document[*serving.Client](p, name).Credentials
		if len(live) != 2 {
			t.Fatalf("%s has %d secrets after a rotation, want 2", name, len(live))
		}
		current[name] = live[0].ID
	}
	p.write("all.yaml", gatewayManifest, existingManifest+"  rotation: {overlapHours: 0}\n", rotated+"  rotation: {overlapHours: 0}\n", secretManifest("another"))
	p.must(exitReady, start.Add(2*time.Hour))
	for _, name := range clients {
		if live := document[*serving.Client](p, name).Credentials; len(live) != 1 || live[0].ID != current[name] {
			t.Errorf("%s: the secrets are %+v, want %s only", name, live, current[name])
		}
	}
	if strings.Contains(p.files()["secrets/default.made-here.yaml"], "client_secret_previous") {
		t.Error("the Secret still shows a former secret")
	}
}

func TestAClientThatIsAppliedAgainDoesNotReviveItsTokens(t *testing.T) {
	// The time of a manifest that was exported from a cluster is not the time at which the client came here.
	exported := strings.Replace(existingManifest, "{name: thales}", `{name: thales, uid: 0b3c, creationTimestamp: "2026-01-01T00:00:00Z"}`, 1)
	p := newPlaces(t, gatewayManifest, exported, secretManifest("123"))
	p.must(exitReady, start)
	p.write("all.yaml", gatewayManifest)
	p.must(exitReady, start.Add(time.Minute))
	p.write("all.yaml", gatewayManifest, exported, secretManifest("123"))
	p.must(exitReady, start.Add(time.Hour+time.Second/2))
	p.must(exitReady, start.Add(2*time.Hour))
	if got := document[*serving.Client](p, "client.default.thales.json").TokensNotBefore; !got.Equal(start.Add(time.Hour)) {
		t.Errorf("tokens count from %s, want the second at which it was applied again", got)
	}
}

func TestKeysRotateWhenTheCommandRunsAgain(t *testing.T) {
	p := newPlaces(t, gatewayManifest)
	p.must(exitReady, start)
	first := document[*serving.Gateway](p, "gateway.default.acme.json").SigningKeys
	p.must(exitReady, start.Add(30*24*time.Hour))
	both := document[*serving.Gateway](p, "gateway.default.acme.json").SigningKeys
	if len(both) != 2 || both[0] != first[0] {
		t.Errorf("after 30 days the keys are %v, want %s and a successor", both, first[0])
	}
}

// TestWhatSignsDeliveriesRotatesOnRequest: nobody has to be waited for, so one run shows the new secret and a run after the overlap ends the former one.
func TestWhatSignsDeliveriesRotatesOnRequest(t *testing.T) {
	const request = "annotations: {d1gateway.io/rotate-delivery-signing-requested-at: now}"
	p := newPlaces(t, gatewayManifest)
	p.must(exitReady, start)
	const file = "secrets/default.acme-delivery-signing.yaml"
	former := between(p.files()[file], "\n  secret: ", "\n")
	p.write("all.yaml", strings.Replace(gatewayManifest, "{name: acme", "{name: acme, "+request, 1))
	p.must(exitReady, start.Add(time.Hour))
	shown := p.files()[file]
	next := between(shown, "\n  secret: ", "\n")
	if former == "" || next == former || between(shown, "secret_previous: ", "\n") != former {
		t.Fatalf("the Secret is\n%s", shown)
	}
	p.must(exitReady, start.Add(169*time.Hour))
	if shown := p.files()[file]; between(shown, "\n  secret: ", "\n") != next || strings.Contains(shown, "secret_previous") {
		t.Errorf("after the overlap the Secret is\n%s", shown)
	}
	if got := document[*serving.Gateway](p, "gateway.default.acme.json"); len(got.Delivery.SigningSecrets) != 1 || got.SigningRotationRequest != "now" {
		t.Errorf("after the overlap deliveries are signed with %v", got.Delivery.SigningSecrets)
	}
	if got := document[*serving.GatewaySecrets](p, "gateway-secrets.default.acme.json"); len(got.SigningSecrets) != 1 {
		t.Errorf("after the overlap %d secrets are kept", len(got.SigningSecrets))
	}
}
