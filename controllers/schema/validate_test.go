package schema

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"
)

func TestGatewayIDCannotBeChanged(t *testing.T) {
	v := newValidator(t)
	old := edited(t, gatewayManifest, `{}`)
	if errs := v.Validate(t.Context(), edited(t, gatewayManifest, `spec: {updateTypes: Strict}`), old); len(errs) > 0 {
		t.Errorf("a change of another field is refused: %v", errs)
	}
	errs := v.Validate(t.Context(), edited(t, gatewayManifest, `spec: {gatewayID: MGW_000002}`), old)
	if len(errs) != 1 || errs[0].Field != "spec.gatewayID" {
		t.Errorf("a change of gatewayID answers %v", errs)
	}
}

func TestAnUpdateMayKeepWhatAnOlderSchemaAllowed(t *testing.T) {
	v := newValidator(t)
	old := edited(t, gatewayManifest, `spec: {hostnames: [OLD.example]}`)
	changed := edited(t, gatewayManifest, `spec: {hostnames: [OLD.example], updateTypes: Strict}`)
	if errs := v.Validate(t.Context(), changed, old); len(errs) > 0 {
		t.Errorf("an unchanged value stands in the way of another change: %v", errs)
	}
	worse := edited(t, gatewayManifest, `spec: {hostnames: [NEW.example]}`)
	if len(v.Validate(t.Context(), worse, old)) == 0 {
		t.Error("another wrong value is accepted")
	}
}

func TestUnknownFieldsAreErrors(t *testing.T) {
	v := newValidator(t)
	for at, patch := range map[string]string{
		"specs":                                     `specs: {}`,
		"spec.gatewayId":                            `spec: {gatewayId: x}`,
		"spec.accessTokens.lifetime":                `spec: {accessTokens: {lifetime: 5}}`,
		"spec.merchants.items[0].delivery.urls":     `spec: {merchants: {items: [{id: "40010000001", delivery: {mode: Durable, urls: x}}]}}`,
		"metadata.lables":                           `metadata: {lables: {a: b}}`,
		"spec.delivery.signing.secretRef.namespace": `spec: {delivery: {signing: {secretRef: {name: a, namespace: b}}}}`,
	} {
		errs := v.Validate(t.Context(), edited(t, gatewayManifest, patch), nil)
		if len(errs) != 1 || errs[0].Field != at {
			t.Errorf("%s answers %v, want one error at %s", patch, errs, at)
		}
	}
}

func TestMetadataIsValidated(t *testing.T) {
	v := newValidator(t)
	for at, patch := range map[string]string{
		"metadata.name":      `metadata: {name: Acme}`,
		"metadata.namespace": `metadata: {namespace: null}`,
		"metadata.labels":    `metadata: {labels: {"a b": c}}`,
		"metadata":           `metadata: {labels: 7}`,
	} {
		errs := v.Validate(t.Context(), edited(t, gatewayManifest, patch), nil)
		if len(errs) == 0 || errs[0].Field != at {
			t.Errorf("%s answers %v, want an error at %s", patch, errs, at)
		}
	}
}

func TestDefaultsAreFilledIn(t *testing.T) {
	v := newValidator(t)
	for _, tc := range []struct {
		name, manifest string
		path           []string
		want           any
	}{
		{"the lifetime of access tokens", gatewayManifest, []string{"spec", "accessTokens", "lifetimeSeconds"}, int64(900)},
		{"the algorithm", gatewayManifest, []string{"spec", "accessTokens", "algorithm"}, "ES256"},
		{"the rotation of keys", gatewayManifest, []string{"spec", "accessTokens", "keyRotationDays"}, int64(30)},
		{"OAuth", gatewayManifest, []string{"spec", "authentication", "oauth"}, "Required"},
		{"what tokens are bound to", gatewayManifest, []string{"spec", "accessTokens", "binding"}, "None"},
		{"client certificates", gatewayManifest, []string{"spec", "authentication", "clientCertificate", "mode"}, "Disabled"},
		{"update types", gatewayManifest, []string{"spec", "updateTypes"}, "Tolerant"},
		{"unlisted merchants", gatewayManifest, []string{"spec", "merchants", "unlisted"}, "Reject"},
		{"the delivery mode", gatewayManifest, []string{"spec", "delivery", "mode"}, "Durable"},
		{"the timeout", gatewayManifest, []string{"spec", "delivery", "timeoutSeconds"}, int64(10)},
		{"the age of a dead letter", gatewayManifest, []string{"spec", "delivery", "retry", "maxAgeHours"}, int64(96)},
		{"the order", gatewayManifest, []string{"spec", "delivery", "order"}, "None"},
		{"repeats", gatewayManifest, []string{"spec", "delivery", "repeats"}, "Deliver"},
		{"attempts in flight", gatewayManifest, []string{"spec", "delivery", "rateLimit", "maxInFlight"}, int64(10)},
		{"the method of a client", clientManifest, []string{"spec", "credentials", "method"}, "ClientSecret"},
		{"the source of credentials", clientManifest, []string{"spec", "credentials", "source"}, "Generated"},
		{"the rotation interval", clientManifest, []string{"spec", "rotation", "intervalDays"}, int64(0)},
		{"the overlap", clientManifest, []string{"spec", "rotation", "overlapHours"}, int64(168)},
		{"when the previous secret retires", clientManifest, []string{"spec", "rotation", "retirePrevious"}, "AfterOverlap"},
		{"the state", clientManifest, []string{"spec", "state"}, "Active"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			obj := edited(t, tc.manifest, `{}`)
			v.Default(obj)
			got, found, err := unstructured.NestedFieldNoCopy(obj.Object, tc.path...)
			if err != nil || !found || got != tc.want {
				t.Errorf("got %v (found: %v, error: %v), want %v", got, found, err, tc.want)
			}
		})
	}
	gateway, client := edited(t, gatewayManifest, `{}`), edited(t, clientManifest, `{}`)
	v.Default(gateway)
	v.Default(client)
	if endpoints, _, _ := unstructured.NestedSlice(gateway.Object, "spec", "tokenEndpoints"); len(endpoints) != 2 {
		t.Errorf("the default token endpoints are %v, want both documented ones", endpoints)
	}
	if methods, _, _ := unstructured.NestedStringSlice(gateway.Object, "spec", "authentication", "tokenEndpointMethods"); len(methods) != 1 || methods[0] != "ClientSecretBasic" {
		t.Errorf("the default methods are %v", methods)
	}
	if scopes, _, _ := unstructured.NestedStringSlice(client.Object, "spec", "scopes"); len(scopes) != 1 || scopes[0] != "d1:notify" {
		t.Errorf("the default scopes are %v", scopes)
	}
}

func TestValidateChangesNothing(t *testing.T) {
	v := newValidator(t)
	obj := edited(t, gatewayManifest, `{}`)
	v.Validate(t.Context(), obj, obj)
	if _, found, _ := unstructured.NestedFieldNoCopy(obj.Object, "spec", "accessTokens"); found {
		t.Error("Validate filled defaults into its argument")
	}
}

func TestOtherKindsAreNotSupported(t *testing.T) {
	v := newValidator(t)
	other := edited(t, gatewayManifest, `kind: Merchant`)
	if errs := v.Validate(t.Context(), other, nil); len(errs) != 1 || errs[0].Field != "kind" {
		t.Errorf("an unknown kind answers %v", errs)
	}
	if v.Knows(runtimeschema.GroupVersionKind{Version: "v1", Kind: "Secret"}) {
		t.Error("a Secret is said to be of this project")
	}
}
