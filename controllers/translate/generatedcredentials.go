package translate

import (
	"regexp"

	corev1 "k8s.io/api/core/v1"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// adoptablePattern matches secrets that are as good as those the operator makes.
var adoptablePattern = regexp.MustCompile(`^[A-Za-z0-9]{43,}$`)

// generatedCredentials answers the credentials that the operator makes. It reads as a list of checks: what the Secret holds is kept or
// adopted if it can be; then age or a request may replace it.
func generatedCredentials(in ClientInput) issue {
	live := previousCredentials(in)
	out := issue{clientID: EffectiveClientID(in.Client, in.Secret, in.Previous)}
	if out.clientID == "" {
		out.clientID = in.Generate.ClientID()
	}
	held := ""
	if in.Secret != nil {
		held = string(in.Secret.Data[v1alpha1.KeyClientSecret])
	}
	digest := serving.DigestSecret(held)
	switch {
	case held != "" && live.isCurrent(digest):
		out.current = serving.NewSecret(held)
		if why := rotationDue(in, live.live); why != "" {
			out.issueNew(in, live, why)
		}
	case adoptablePattern.MatchString(held) || live.knows(held):
		out.current = serving.NewSecret(held)
		live.use(digest)
		out.issued = adopted
		if in.Previous == nil {
			out.issued = "The client_secret that the Secret held was taken over"
		}
	case in.Previous == nil:
		out.issueNew(in, live, "The first secret of the client was made")
	default:
		out.issueNew(in, live, "A new secret was made: the Secret held no usable client_secret")
	}
	if in.Previous == nil {
		live.restoreFormer(in.Secret)
	}
	out.live = live.live
	return out
}

// restoreFormer gives the former secret that the Secret shows another overlap: it was promised one, and the document that knew when it ends
// is lost.
func (c *credentials) restoreFormer(secret *corev1.Secret) {
	if secret == nil || c.overlap == 0 {
		return
	}
	former := string(secret.Data[v1alpha1.KeyPreviousClientSecret])
	if !adoptablePattern.MatchString(former) || c.knows(former) {
		return
	}
	c.live = append(c.live, serving.Credential{ID: c.newID(), Digest: serving.DigestSecret(former), CreatedAt: c.now, ExpiresAt: c.now.Add(c.overlap)})
}

func (i *issue) issueNew(in ClientInput, live *credentials, why string) {
	i.current = in.Generate.ClientSecret()
	i.issued = why
	live.use(serving.DigestSecret(i.current.Reveal()))
}

// knows says whether the text is one of the live secrets.
func (c *credentials) knows(text string) bool {
	digest := serving.DigestSecret(text)
	for _, k := range c.live {
		if text != "" && k.Digest.Equal(digest) {
			return true
		}
	}
	return false
}

// rotationDue says why the current secret is to be replaced; empty when it is not.
func rotationDue(in ClientInput, live []serving.Credential) string {
	request := in.Client.Annotations[v1alpha1.AnnotationRotateRequestedAt]
	if in.Previous != nil && request != "" && request != in.Previous.RotationRequest {
		return "A new secret was made: the annotation " + v1alpha1.AnnotationRotateRequestedAt + " asked for it"
	}
	if next := nextRotation(in.Client, live); !next.IsZero() && !in.Now.Before(next) {
		return "A new secret was made: the previous one reached spec.rotation.intervalDays"
	}
	return ""
}

// rotationRequest answers the request that counts as acted on from now on.
func rotationRequest(in ClientInput) string {
	if request := in.Client.Annotations[v1alpha1.AnnotationRotateRequestedAt]; request != "" {
		return request
	}
	if in.Previous != nil {
		return in.Previous.RotationRequest
	}
	return ""
}

// credentialsSecret answers the Secret for the people who hand the credentials to Thales.
func credentialsSecret(in ClientInput, i issue) *corev1.Secret {
	data := map[string][]byte{
		v1alpha1.KeyClientID:     []byte(i.clientID),
		v1alpha1.KeyClientSecret: []byte(i.current.Reveal()),
	}
	// The status shows where the gateway is served, which its spec may be ahead of.
	urls := in.Gateway.Status.TokenURLs
	if len(urls) == 0 {
		urls = TokenURLs(in.Gateway, in.ExternalURL)
	}
	if len(urls) > 0 {
		data[v1alpha1.KeyTokenURL] = []byte(urls[0])
	}
	if previous := plainPrevious(in.Secret, i.live); previous != "" {
		data[v1alpha1.KeyPreviousClientSecret] = []byte(previous)
	}
	return generatedSecret(in.Client.Spec.Credentials.SecretName, in.Client, kindOAuthClient, data)
}

// plainPrevious answers the text of the previous secret while it works. Only the Secret still has it: documents hold digests.
func plainPrevious(secret *corev1.Secret, live []serving.Credential) string {
	if secret == nil || len(live) < 2 {
		return ""
	}
	for _, key := range []string{v1alpha1.KeyClientSecret, v1alpha1.KeyPreviousClientSecret} {
		if text := string(secret.Data[key]); text != "" && live[1].Digest.Equal(serving.DigestSecret(text)) {
			return text
		}
	}
	return ""
}
