package translate

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// generatedAt answers a secret of HMAC, made and ending so many hours from certificateNow; 0 is no end.
func generatedAt(name string, madeHour, endHour int) serving.SigningSecret {
	s := serving.SigningSecret{
		ID: "generated-" + name, Secret: serving.NewSecret(signingSecretPrefix + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(name, 24)))),
		CreatedAt: certificateNow.Add(time.Duration(madeHour) * time.Hour),
	}
	if endHour != 0 {
		s.SignsUntil = certificateNow.Add(time.Duration(endHour) * time.Hour)
	}
	return s
}

func TestWhereALineStands(t *testing.T) {
	t.Parallel()
	undated := func(name string) serving.SigningSecret {
		s := generatedAt(name, 0, 0)
		s.CreatedAt = time.Time{}
		return s
	}
	key := generatedAt("k", -1, 0)
	key.Secret = NewGenerator().DeliveryKey()
	users := generatedAt("u", -1, 0)
	users.ID = "secret-u"
	for name, c := range map[string]struct {
		named   []string
		held    []serving.SigningSecret
		want    string
		waiting bool
	}{
		"the newest first":                              {[]string{"b", "a"}, []serving.SigningSecret{generatedAt("a", -9, 5), generatedAt("b", -2, 0)}, "b a", false},
		"the newest one waits":                          {[]string{"b", "a"}, []serving.SigningSecret{generatedAt("a", -9, 0), generatedAt("b", -2, 0)}, "b a", true},
		"one that has an end comes last, however new":   {[]string{"a", "b"}, []serving.SigningSecret{generatedAt("a", -2, 5), generatedAt("b", -2, 0)}, "b a", false},
		"of one second, the first that is named":        {[]string{"b", "a"}, []serving.SigningSecret{generatedAt("a", -2, 0), generatedAt("b", -2, 0)}, "b a", true},
		"one that was made and is not named yet":        {[]string{"a"}, []serving.SigningSecret{generatedAt("a", -9, 0), generatedAt("b", -2, 0)}, "b a", true},
		"one that is not named any more":                {[]string{"b"}, []serving.SigningSecret{generatedAt("a", -9, 0), generatedAt("b", -2, 0)}, "b", false},
		"all, where the Gateway document is lost":       {nil, []serving.SigningSecret{generatedAt("a", -9, 5), generatedAt("b", -2, 0)}, "b a", false},
		"of another algorithm":                          {[]string{"k"}, []serving.SigningSecret{key}, "", false},
		"of the user's":                                 {[]string{"u"}, []serving.SigningSecret{users}, "", false},
		"undated: the first that is named":              {[]string{"b", "a"}, []serving.SigningSecret{undated("a"), undated("b")}, "b", false},
		"undated: none counts beside one that is dated": {[]string{"b", "a"}, []serving.SigningSecret{undated("a"), generatedAt("b", -1, 0)}, "b", false},
	} {
		t.Run(name, func(t *testing.T) {
			var doc *serving.Gateway
			if c.named != nil {
				doc = &serving.Gateway{Delivery: &serving.Destination{}}
				for _, n := range c.named {
					doc.Delivery.SigningSecrets = append(doc.Delivery.SigningSecrets, "generated-"+n)
				}
			}
			line := lineOf(v1alpha1.SigningHMAC, doc, &serving.GatewaySecrets{SigningSecrets: c.held})
			if got := namesIn(line); got != c.want || line.waits() != c.waiting {
				t.Errorf("the line is %q, waits: %t", got, line.waits())
			}
			line.rotate(generatedAt("new", 0, 0))
			if line.secrets[0].ID != "generated-new" || slices.ContainsFunc(line.secrets[1:], func(s serving.SigningSecret) bool {
				return s.CreatedAt.IsZero() || !s.CreatedAt.Before(certificateNow)
			}) {
				t.Errorf("after a rotation the line is %q, and the dates do not tell which is the new one", namesIn(line))
			}
		})
	}
}

func namesIn(line signingLine) string {
	var names []string
	for _, s := range line.secrets {
		names = append(names, strings.TrimPrefix(s.ID, "generated-"))
	}
	return strings.Join(names, " ")
}

func TestTheNewestOfALineNeverEnds(t *testing.T) {
	t.Parallel()
	line := signingLine{secrets: []serving.SigningSecret{generatedAt("b", -2, 1), generatedAt("a", -9, -1)}}
	line.end(certificateNow)
	if namesIn(line) != "b" || !line.secrets[0].SignsUntil.IsZero() {
		t.Errorf("left is %q until %s", namesIn(line), line.secrets[0].SignsUntil)
	}
}

func TestALineIsBounded(t *testing.T) {
	t.Parallel()
	line := signingLine{}
	for i := range 10 {
		line.secrets = append(line.secrets, generatedAt(fmt.Sprint(i), -i, 10-i))
	}
	line.bound()
	if namesIn(line) != "0 1 2 3" {
		t.Errorf("left is %q", namesIn(line))
	}
}

// TestWhatEndsInADocumentThatIsKept: a delivery is not left without a signature.
func TestWhatEndsInADocumentThatIsKept(t *testing.T) {
	t.Parallel()
	held := &serving.GatewaySecrets{SigningSecrets: []serving.SigningSecret{generatedAt("a", -9, -1), generatedAt("b", -2, 0), generatedAt("c", -2, 1)}}
	doc := &serving.Gateway{
		Delivery: &serving.Destination{SigningSecrets: []string{"generated-b", "generated-a", "generated-c"}},
		Merchants: []serving.Merchant{
			{ID: "1"}, {ID: "2", Delivery: &serving.Destination{SigningSecrets: []string{"generated-a"}}},
			{ID: "3", Delivery: &serving.Destination{SigningSecrets: []string{"generated-a", "secret-u"}}},
		},
	}
	got := withoutEnded(doc, held, certificateNow)
	for i, want := range [][]string{{"generated-b", "generated-c"}, {"generated-a"}, {"secret-u"}} {
		d := []*serving.Destination{got.Delivery, got.Merchants[1].Delivery, got.Merchants[2].Delivery}[i]
		if !slices.Equal(d.SigningSecrets, want) {
			t.Errorf("delivery %d is signed with %v, want %v", i, d.SigningSecrets, want)
		}
	}
	if len(doc.Delivery.SigningSecrets) != 3 || len(doc.Merchants[2].Delivery.SigningSecrets) != 2 {
		t.Error("the document that was served has changed")
	}
	if withoutEnded(doc, &serving.GatewaySecrets{}, certificateNow) != doc {
		t.Error("without an end it is another document")
	}
}

func TestWhetherServersSignWithWhatIsShown(t *testing.T) {
	t.Parallel()
	hmac, key := generatedAt("a", 0, 0), generatedAt("k", 0, 0)
	key.Secret = serving.NewSecret(knownPrivateKey)
	shown := func(secret, public string) *corev1.Secret {
		s := &corev1.Secret{Data: map[string][]byte{}}
		if secret != "" {
			s.Data[v1alpha1.KeySigningSecret] = []byte(secret)
		}
		if public != "" {
			s.Data[v1alpha1.KeyPublicKey] = []byte(public)
		}
		return s
	}
	both := &serving.GatewaySecrets{SigningSecrets: []serving.SigningSecret{hmac, key}}
	for name, c := range map[string]struct {
		served *serving.GatewaySecrets
		shown  *corev1.Secret
		want   bool
	}{
		"both":                              {both, shown(hmac.Secret.Reveal(), knownPublicKey), true},
		"the secret alone":                  {both, shown(hmac.Secret.Reveal(), ""), true},
		"the key alone":                     {both, shown("", knownPublicKey), true},
		"another secret":                    {both, shown(generatedAt("b", 0, 0).Secret.Reveal(), knownPublicKey), false},
		"another key":                       {both, shown(hmac.Secret.Reveal(), publicKeyOf(NewGenerator().DeliveryKey())), false},
		"nothing is served":                 {nil, shown(hmac.Secret.Reveal(), ""), false},
		"a key, and the secret alone signs": {&serving.GatewaySecrets{SigningSecrets: []serving.SigningSecret{hmac}}, shown(hmac.Secret.Reveal(), knownPublicKey), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := SignsWithShown(c.served, c.shown); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
