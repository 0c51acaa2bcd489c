package translate

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

func credentialsData(id, secret string) map[string][]byte {
	return map[string][]byte{v1alpha1.KeyClientID: []byte(id), v1alpha1.KeyClientSecret: []byte(secret)}
}

func TestWhichClientCredentialsAreTakenOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id, secret string
		// at is the key that the error names; empty when they are good.
		at string
	}{
		"both":                             {"d1gateway", "s3cret", ""},
		"any characters that can be shown": {"d1:gäteway %", `a:b"c\ d`, ""},
		"the longest":                      {strings.Repeat("a", 1024), strings.Repeat("b", 4096), ""},
		"no id":                            {"", "s3cret", v1alpha1.KeyClientID},
		"no secret":                        {"d1gateway", "", v1alpha1.KeyClientSecret},
		"an id that is too long":           {strings.Repeat("a", 1025), "s3cret", v1alpha1.KeyClientID},
		"a secret that is too long":        {"d1gateway", strings.Repeat("b", 4097), v1alpha1.KeyClientSecret},
		"a line break behind the secret":   {"d1gateway", "s3cret\n", v1alpha1.KeyClientSecret},
		"a line break behind the id":       {"d1gateway\r\n", "s3cret", v1alpha1.KeyClientID},
		"a NUL":                            {"d1gateway", "a\x00b", v1alpha1.KeyClientSecret},
		"a control character of C1":        {"d1gateway", "a\u0085b", v1alpha1.KeyClientSecret},
		"bytes that are no text":           {"d1gateway", "a\xffb", v1alpha1.KeyClientSecret},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseClientCredentials(credentialsData(c.id, c.secret))
			switch {
			case c.at == "" && (err != nil || got.ClientID != c.id || got.ClientSecret.Reveal() != c.secret):
				t.Errorf("%v", err)
			case c.at != "" && (err == nil || !strings.Contains(err.Error(), c.at)):
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// credentialsIDs resolves references to Secrets with these credentials and answers their ids, beside those of a previous document.
func credentialsIDs(t *testing.T, known []serving.ClientCredentials, all ...map[string][]byte) []string {
	t.Helper()
	secrets := map[string]*corev1.Secret{}
	for i, data := range all {
		name := string(rune('a' + i))
		secrets[name] = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{v1alpha1.LabelAllowUse: "true"}}, Data: data}
	}
	r := referencesOf(secrets, certificateNow)
	r.knownCredentials = known
	var ids []string
	for i := range all {
		ids = append(ids, r.clientCredentials(field.NewPath("spec"), &v1alpha1.SecretReference{Name: string(rune('a' + i))}))
	}
	if len(r.problems) > 0 {
		t.Fatalf("%+v", r.problems)
	}
	for _, id := range ids {
		if !slices.ContainsFunc(r.material.ClientCredentials, func(c serving.ClientCredentials) bool { return c.ID == id }) {
			t.Errorf("%s is not in the material", id)
		}
	}
	return ids
}

// TestIDsOfClientCredentialsTellNothing: the id of a weak secret stands where more people may read than may read the secret.
func TestIDsOfClientCredentialsTellNothing(t *testing.T) {
	t.Parallel()
	weak := credentialsData("d1gateway", "weak")
	first, again := credentialsIDs(t, nil, weak), credentialsIDs(t, nil, weak)
	if first[0] == again[0] {
		t.Errorf("two operators make the id %s of one secret: whoever guesses the secret can tell", first[0])
	}
	known := []serving.ClientCredentials{{ID: "client-known", ClientID: "d1gateway", ClientSecret: serving.NewSecret("weak")}}
	ids := credentialsIDs(t, known, weak, credentialsData("d1gateway", "other"), credentialsData("other", "weak"), weak)
	if ids[0] != "client-known" || ids[3] != "client-known" {
		t.Errorf("what has not changed has the ids %s and %s", ids[0], ids[3])
	}
	if ids[1] == ids[0] || ids[2] == ids[0] || ids[1] == ids[2] {
		t.Errorf("other credentials have the same id: %v", ids)
	}
}

// FuzzClientCredentials: what is taken over is bounded text, and no error repeats it.
func FuzzClientCredentials(f *testing.F) {
	f.Add("d1gateway", "s3cret")
	f.Add("", "s3cret")
	f.Add("d1gateway\n", "\xff\x00")
	f.Fuzz(func(t *testing.T, id, secret string) {
		c, err := parseClientCredentials(credentialsData(id, secret))
		if err != nil {
			if len(secret) > 30 && strings.Contains(err.Error(), secret) {
				t.Error("the error repeats the secret")
			}
			return
		}
		if c.ClientID != id || c.ClientSecret.Reveal() != secret || id == "" || secret == "" || len(id) > maxClientIDBytes || len(secret) > maxClientSecretBytes {
			t.Errorf("%d and %d bytes were taken over", len(id), len(secret))
		}
		if !utf8.ValidString(id+secret) || strings.ContainsFunc(id+secret, unicode.IsControl) {
			t.Error("a control character was taken over, or bytes that are no text")
		}
	})
}
