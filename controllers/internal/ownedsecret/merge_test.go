package ownedsecret

import (
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// TestWhatIsNotTheOperatorsStays merges into a Secret to which others have added theirs.
func TestWhatIsNotTheOperatorsStays(t *testing.T) {
	t.Parallel()
	found := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: "thales", ResourceVersion: "7", Finalizers: []string{"acme.example/backup"},
			Labels:          map[string]string{"team": "payments", v1alpha1.LabelManagedBy: "somebody"},
			Annotations:     map[string]string{"note": "handed over", v1alpha1.AnnotationSecretCreated: "2026-01-01T00:00:00Z", v1alpha1.AnnotationPreviousExpires: "2026-02-01T00:00:00Z"},
			OwnerReferences: []metav1.OwnerReference{{UID: "theirs"}},
		},
		Data: map[string][]byte{
			"note": []byte("theirs"), v1alpha1.KeyClientSecret: []byte("former"), v1alpha1.KeyNextClientSecret: []byte("new"), v1alpha1.KeyPreviousClientSecret: []byte("oldest"),
			v1alpha1.KeyTokenURL: []byte("https://former.example"), v1alpha1.KeyPublicKey: []byte("theirs too"),
		},
	}
	untouched := found.DeepCopy()
	desired := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name:            "thales",
			Labels:          map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedByValue},
			Annotations:     map[string]string{v1alpha1.AnnotationSecretCreated: "2026-03-01T00:00:00Z"},
			OwnerReferences: []metav1.OwnerReference{{UID: "ours"}},
		},
		Data: map[string][]byte{v1alpha1.KeyClientID: []byte("id"), v1alpha1.KeyClientSecret: []byte("new")},
	}
	merged := merge(found, desired)

	texts := map[string]string{}
	for key, value := range merged.Data {
		texts[key] = string(value)
	}
	if want := map[string]string{"note": "theirs", "public_key": "theirs too", "client_id": "id", "client_secret": "new"}; !maps.Equal(texts, want) {
		t.Errorf("the keys are %v, want %v", slices.Sorted(maps.Keys(texts)), slices.Sorted(maps.Keys(want)))
	}
	if want := map[string]string{"team": "payments", v1alpha1.LabelManagedBy: v1alpha1.ManagedByValue}; !maps.Equal(merged.Labels, want) {
		t.Errorf("the labels are %v, want %v", merged.Labels, want)
	}
	if want := map[string]string{"note": "handed over", v1alpha1.AnnotationSecretCreated: "2026-03-01T00:00:00Z"}; !maps.Equal(merged.Annotations, want) {
		t.Errorf("the annotations are %v, want %v", merged.Annotations, want)
	}
	if len(merged.OwnerReferences) != 2 || !hasOwner(merged.OwnerReferences, metav1.OwnerReference{UID: "theirs"}) || !hasOwner(merged.OwnerReferences, metav1.OwnerReference{UID: "ours"}) {
		t.Errorf("the owners are %v", merged.OwnerReferences)
	}
	if merged.ResourceVersion != "7" || !slices.Equal(merged.Finalizers, found.Finalizers) {
		t.Error("the version that was looked at, or a finalizer, is lost")
	}
	if !maps.Equal(found.Annotations, untouched.Annotations) || len(found.Data) != len(untouched.Data) {
		t.Error("the Secret that was read has changed")
	}
	if again := merge(merged, desired); !maps.Equal(again.Annotations, merged.Annotations) || len(again.Data) != len(merged.Data) || len(again.OwnerReferences) != 2 {
		t.Error("merging again changes it")
	}
}

func TestAnEmptySecretIsFilled(t *testing.T) {
	t.Parallel()
	desired := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"}},
		Data:       map[string][]byte{v1alpha1.KeyClientSecret: []byte("new")},
	}
	merged := merge(&corev1.Secret{}, desired)
	if merged.Labels["a"] != "b" || merged.Annotations["c"] != "d" || string(merged.Data[v1alpha1.KeyClientSecret]) != "new" {
		t.Errorf("the Secret has %d keys, labels %v and annotations %v", len(merged.Data), merged.Labels, merged.Annotations)
	}
}

// TestWhatIsNoLongerShownGoes merges the Secret of a gateway whose former material has ended, and which signs by one algorithm only.
func TestWhatIsNoLongerShownGoes(t *testing.T) {
	t.Parallel()
	generated := func(data map[string][]byte, annotations map[string]string) *corev1.Secret {
		annotations["d1gateway.io/generated-for"] = "MerchantGateway/acme"
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Annotations: annotations}, Data: data}
	}
	found := generated(map[string][]byte{
		v1alpha1.KeySigningSecret: []byte("whsec_new"), v1alpha1.KeyPreviousSigningSecret: []byte("whsec_former"),
		v1alpha1.KeyPublicKey: []byte("whpk_new"), v1alpha1.KeyPreviousPublicKey: []byte("whpk_former"), v1alpha1.KeyClientSecret: []byte("theirs"),
	}, map[string]string{v1alpha1.AnnotationPreviousSignsUntil: "2026-03-01T00:00:00Z"})
	merged := merge(found, generated(map[string][]byte{v1alpha1.KeyPublicKey: []byte("whpk_new")}, map[string]string{}))
	if got, want := slices.Sorted(maps.Keys(merged.Data)), []string{v1alpha1.KeyClientSecret, v1alpha1.KeyPublicKey}; !slices.Equal(got, want) {
		t.Errorf("the keys are %v, want %v", got, want)
	}
	if until, there := merged.Annotations[v1alpha1.AnnotationPreviousSignsUntil]; there {
		t.Errorf("the former one signs until %s", until)
	}
}
