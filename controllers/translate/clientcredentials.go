package translate

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Bounds of what authenticates the server at an authorization server, in bytes.
const (
	maxClientIDBytes     = 1024
	maxClientSecretBytes = 4096
)

// clientCredentialsMaterial begins the ids of client credentials. They do not follow from the content: the Gateway document that names them is no
// secret, and a client secret that somebody else has chosen may be weak enough to be found by its digest.
const clientCredentialsMaterial = "client"

// parseClientCredentials reads the client id and secret of a Secret. No error repeats them.
func parseClientCredentials(data map[string][]byte) (serving.ClientCredentials, error) {
	for _, one := range []struct {
		key  string
		most int
	}{{v1alpha1.KeyClientID, maxClientIDBytes}, {v1alpha1.KeyClientSecret, maxClientSecretBytes}} {
		text := data[one.key]
		if len(text) == 0 {
			return serving.ClientCredentials{}, missingKey(one.key)
		}
		if len(text) > one.most || !utf8.Valid(text) || strings.ContainsFunc(string(text), unicode.IsControl) {
			return serving.ClientCredentials{}, fmt.Errorf("the key %s must hold at most %d bytes of UTF-8, without a line break or another control character", one.key, one.most)
		}
	}
	return serving.ClientCredentials{
		ClientID: string(data[v1alpha1.KeyClientID]), ClientSecret: serving.NewSecret(string(data[v1alpha1.KeyClientSecret])),
	}, nil
}

// oauth resolves what gets access tokens for a destination; nil when nothing does. ca and client are what its two certificates are used for.
func (r *references) oauth(at *field.Path, o *v1alpha1.DeliveryOAuth, ca, client v1alpha1.CertificateUse) *serving.OAuth {
	if o == nil {
		return nil
	}
	return &serving.OAuth{
		TokenURL:    string(o.TokenURL),
		Credentials: r.clientCredentials(at.Child("secretRef"), &o.SecretRef),
		Scopes:      o.Scopes,
		TLS:         r.tls(at.Child("tls"), o.TLS, ca, client),
	}
}

// clientCredentials answers the id of the credentials in the Secret, empty when they do not resolve.
func (r *references) clientCredentials(at *field.Path, ref *v1alpha1.SecretReference) string {
	secret := r.secret(at, ref)
	if secret == nil {
		return ""
	}
	found, err := r.credentials.read(secret, parseClientCredentials)
	if err != nil {
		r.invalid(at, ref, err)
		return ""
	}
	found.ID = r.credentialsID(found)
	r.material.ClientCredentials = addMaterial(r.material.ClientCredentials, found, clientCredentialsID)
	return found.ID
}

// credentialsID answers the id that the credentials have, or a new one: what changes gets another id.
func (r *references) credentialsID(c serving.ClientCredentials) string {
	for _, known := range slices.Concat(r.material.ClientCredentials, r.knownCredentials) {
		if known.ClientID == c.ClientID && known.ClientSecret.Reveal() == c.ClientSecret.Reveal() {
			return known.ID
		}
	}
	return clientCredentialsMaterial + "-" + r.newID()
}

func clientCredentialsID(c serving.ClientCredentials) string { return c.ID }
