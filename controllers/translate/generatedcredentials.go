package translate

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// generatedCredentials answers the credentials that the operator makes: what is there is found, former secrets that nobody needs are retired, a new
// secret is made when there is a reason to, and shown when every server replica accepts it.
func generatedCredentials(in ClientInput) issue {
	clientID := EffectiveClientID(in.Client, in.Secret, in.Previous)
	if clientID == "" {
		clientID = in.Generate.ClientID()
	}
	r := findRotation(in)
	r.live.retire(in)
	r.issue()
	r.show(clientID)
	r.live.decideEnds(in.Client.Spec.Rotation)
	r.live.bound(in)
	return issue{
		clientID: clientID, current: serving.NewSecret(r.shown), next: serving.NewSecret(r.next),
		live: r.live.live, nextRetirement: r.live.nextRetirement(in), nextRotation: nextRotation(in, r.live),
		issued: r.issued, announced: r.announced, restored: r.restored,
	}
}

// generatedReady says whether the Secret shows a secret.
func generatedReady(in ClientInput, i issue) verdict {
	if i.current.IsZero() {
		return no(v1alpha1.ReasonCredentialsPending, fmt.Sprintf("Secret %q shows the new client_secret when every server replica accepts it", in.Client.Spec.Credentials.SecretName))
	}
	return yes(v1alpha1.ReasonCredentialsReady, credentialsInPlace(in))
}

// rotationRequest answers the request that counts as acted on from now on.
func rotationRequest(in ClientInput) string {
	if request := rotationRequestOf(in.Client); request != "" {
		return request
	}
	if in.Previous != nil {
		return in.Previous.RotationRequest
	}
	return ""
}

// credentialsSecret answers the Secret for the people who hand the credentials to Thales.
func credentialsSecret(in ClientInput, i issue) *corev1.Secret {
	data := map[string][]byte{v1alpha1.KeyClientID: []byte(i.clientID)}
	// The status shows where the gateway is served, which its spec may be ahead of.
	urls := in.Gateway.Status.TokenURLs
	if len(urls) == 0 {
		urls = TokenURLs(in.Gateway, in.ExternalURL)
	}
	if len(urls) > 0 {
		data[v1alpha1.KeyTokenURL] = []byte(urls[0])
	}
	secret := generatedSecret(in.Client.Spec.Credentials.SecretName, in.Client, kindOAuthClient, data)
	if !i.next.IsZero() {
		data[v1alpha1.KeyNextClientSecret] = []byte(i.next.Reveal())
	}
	if !i.current.IsZero() {
		data[v1alpha1.KeyClientSecret] = []byte(i.current.Reveal())
		shown, _ := i.credentialOf(i.current.Reveal())
		date(secret, v1alpha1.AnnotationSecretCreated, shown.CreatedAt)
	}
	if text, previous := i.plainPrevious(in); text != "" {
		data[v1alpha1.KeyPreviousClientSecret] = []byte(text)
		date(secret, v1alpha1.AnnotationPreviousExpires, previous.ExpiresAt)
	}
	return secret
}

func date(secret *corev1.Secret, annotation string, at time.Time) {
	if !at.IsZero() {
		secret.Annotations[annotation] = at.Format(time.RFC3339)
	}
}

func (i issue) credentialOf(text string) (serving.Credential, bool) {
	c := credentials{live: i.live}
	if at := c.find(text); at >= 0 {
		return i.live[at], true
	}
	return serving.Credential{}, false
}

// plainPrevious answers the newest former secret whose text is known. Documents hold digests only.
func (i issue) plainPrevious(in ClientInput) (string, serving.Credential) {
	texts := []string{in.Remembered.Reveal(), in.RememberedPrevious.Reveal()}
	if in.Secret != nil {
		texts = append(texts, string(in.Secret.Data[v1alpha1.KeyClientSecret]), string(in.Secret.Data[v1alpha1.KeyPreviousClientSecret]))
	}
	for _, c := range i.live {
		for _, text := range texts {
			if text != i.current.Reveal() && text != i.next.Reveal() && c.Digest.Equal(serving.DigestSecret(text)) {
				return text, c
			}
		}
	}
	return "", serving.Credential{}
}
