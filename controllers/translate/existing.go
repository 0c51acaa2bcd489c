package translate

import (
	"strings"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// weakSecretLength is the length below which a user's secret earns a remark: 32 characters of [A-Za-z0-9] hold 190 bits.
const weakSecretLength = 32

// adopted is the event of a client_secret that somebody else put into the Secret.
const adopted = "The Secret holds another client_secret; it is the current one now"

// issue is what the credentials of a client come to.
type issue struct {
	clientID string
	// current is the secret that people go by, next the one that waits to be shown.
	current, next serving.Secret
	live          []serving.Credential
	// nextRetirement and nextRotation are when time alone may change live; zero when it won't.
	nextRetirement, nextRotation time.Time
	// publicKeys or certificate take the place of live where the client has no secret.
	publicKeys  []serving.PublicKey
	certificate *serving.OwnCertificate
	// issued, announced and restored are events: see Issued, Shown and Restored of ClientOutput.
	issued, announced, restored string
}

// existingCredentials reads the user's Secret. A changed client_secret is a rotation, under the same policy as one of a generated secret.
func existingCredentials(in ClientInput) (issue, *problem) {
	name := in.Client.Spec.Credentials.SecretName
	at := field.NewPath("spec", "credentials", "secretName")
	secret, p := usableSecret(at, in.Client.Namespace, name, in.Secret)
	if p != nil {
		return issue{}, p
	}
	invalid := func(format string, args ...any) (issue, *problem) {
		p := problemAt(at, v1alpha1.ReasonSecretInvalid, "Secret %q: "+format, append([]any{name}, args...)...)
		return issue{}, &p
	}
	id, text := string(secret.Data[v1alpha1.KeyClientID]), string(secret.Data[v1alpha1.KeyClientSecret])
	wanted := in.Client.Spec.ClientID
	switch {
	case text == "":
		return invalid("%v", missingKey(v1alpha1.KeyClientSecret))
	case !utf8.ValidString(text):
		// The token endpoint announces UTF-8 (RFC 7617 section 2.1): a client that keeps to it could not send these bytes.
		return invalid("the key %s is not UTF-8 text", v1alpha1.KeyClientSecret)
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return invalid("the key %s holds a line break or another control character; often an editor added it", v1alpha1.KeyClientSecret)
	case id == "" && wanted == "":
		return invalid("%v, and spec.clientID is not set", missingKey(v1alpha1.KeyClientID))
	case id != "" && !clientIDPattern.MatchString(id):
		return invalid("the key %s must hold 1 to 128 visible ASCII characters without a colon or a line break", v1alpha1.KeyClientID)
	case id != "" && wanted != "" && id != wanted:
		return invalid("the key %s holds %q, but spec.clientID is %q: make them equal or leave one out", v1alpha1.KeyClientID, id, wanted)
	}
	live := previousCredentials(in)
	out := issue{clientID: id, current: serving.NewSecret(text)}
	if id == "" {
		out.clientID = wanted
	}
	if live.use(text) && in.Previous != nil {
		out.issued = adopted
	}
	live.retire(in)
	live.decideEnds(in.Client.Spec.Rotation)
	live.bound(in)
	out.live, out.nextRetirement = live.live, live.nextRetirement(in)
	return out, nil
}
