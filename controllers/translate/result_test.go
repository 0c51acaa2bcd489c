package translate_test

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/controllers/translate"
)

// result is a document of a golden file.
type result struct {
	Gateways map[string]any `json:"gateways,omitempty"`
	Clients  map[string]any `json:"clients,omitempty"`
	// Then is what follows for clients when the documents are served.
	Then map[string]any `json:"then,omitempty"`
	// ThenGateways is what there is to announce of gateways then.
	ThenGateways map[string]any `json:"thenGateways,omitempty"`
}

type gatewayShown struct {
	Action        translate.Action `json:"action"`
	NextChange    time.Time        `json:"nextChange,omitzero"`
	Document      any              `json:"document,omitempty"`
	Secrets       any              `json:"secrets,omitempty"`
	SigningSecret any              `json:"signingSecret,omitempty"`
	KeyEvents     []string         `json:"keyEvents,omitempty"`
	Conditions    []string         `json:"conditions"`
	Status        any              `json:"status"`
}

type clientShown struct {
	Action     translate.Action `json:"action"`
	Issued     string           `json:"issued,omitempty"`
	Shown      string           `json:"shown,omitempty"`
	Restored   string           `json:"restored,omitempty"`
	NextChange time.Time        `json:"nextChange,omitzero"`
	Document   any              `json:"document,omitempty"`
	Secret     any              `json:"secret,omitempty"`
	Conditions []string         `json:"conditions"`
	Status     any              `json:"status"`
}

// unchanged says whether all parts are absent or said to be unchanged.
func unchanged(parts ...any) bool {
	return !slices.ContainsFunc(parts, func(p any) bool { return p != nil && p != "unchanged" })
}

// shown answers a document for the golden file; "unchanged" spares the reader what the step before shows.
func (w *world) shown(d serving.Document) any {
	w.t.Helper()
	encoded, err := serving.Encode(d)
	if err != nil {
		w.t.Fatalf("a document to write is not valid: %v", err)
	}
	if old := w.documents[d.Head().ObjectName()]; old != nil {
		if before, err := serving.Encode(old); err == nil && bytes.Equal(before, encoded) {
			return "unchanged"
		}
	}
	var fields map[string]any
	if err := yaml.Unmarshal(encoded, &fields); err != nil {
		w.t.Fatal(err)
	}
	return fields
}

// lines answers each condition in one line: type=status reason (observedGeneration) message.
func lines(conditions []metav1.Condition) []string {
	var all []string
	for _, c := range conditions {
		all = append(all, fmt.Sprintf("%s=%s %s (%d) %s", c.Type, c.Status, c.Reason, c.ObservedGeneration, c.Message))
	}
	return all
}

// shownStatus answers a status without its conditions.
func shownStatus(t *testing.T, before, after any) any {
	t.Helper()
	fields := make([]map[string]any, 2)
	for i, status := range []any{before, after} {
		raw, err := yaml.Marshal(status)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(raw, &fields[i]); err != nil {
			t.Fatal(err)
		}
		delete(fields[i], "conditions")
	}
	if reflect.DeepEqual(fields[0], fields[1]) {
		return "unchanged"
	}
	return fields[1]
}

// applySecret applies a generated Secret and answers it for the golden file.
func (w *world) applySecret(secret *corev1.Secret) any {
	old := w.secrets[secret.Name]
	w.secrets[secret.Name] = secret
	if old != nil && maps.EqualFunc(old.Data, secret.Data, bytes.Equal) && maps.Equal(old.Labels, secret.Labels) && maps.Equal(old.Annotations, secret.Annotations) {
		return "unchanged"
	}
	texts := map[string]string{}
	for key, value := range secret.Data {
		texts[key] = string(value)
	}
	return map[string]any{"metadata": secret.ObjectMeta, "type": secret.Type, "stringData": texts}
}
