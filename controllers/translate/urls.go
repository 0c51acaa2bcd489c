package translate

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// ParseExternalURL answers the base of URLs that the flag --external-url gives, without slashes at its end. The error does not repeat the text,
// which may hold a password.
func ParseExternalURL(text string) (string, error) {
	base := strings.TrimRight(text, "/")
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil || strings.ContainsAny(base, "?#") {
		return "", errors.New("must be an http or https URL without credentials, query and fragment")
	}
	if len(base) > maxExternalURL {
		return "", fmt.Errorf("must have at most %d characters: it stands in every access token", maxExternalURL)
	}
	return base, nil
}

// maxExternalURL leaves room for the rest of an issuer within what serving.Gateway allows.
const maxExternalURL = 400

// TokenURLs answers the URLs of a gateway's token endpoints, in the order of its hostnames and endpoints: what is handed to Thales. Without a
// hostname they begin with externalURL; without that too there are none.
func TokenURLs(g *v1alpha1.MerchantGateway, externalURL string) []string {
	paths := make([]string, len(g.Spec.TokenEndpoints))
	for i, e := range g.Spec.TokenEndpoints {
		paths[i] = e.Path
	}
	return join(baseURLs(g.Spec.Hostnames, externalURL), paths)
}

// servedTokenURLs answers the URLs of the token endpoints that a document serves. The document has lost the order that a spec gave them, so
// they are put as the first of orders that names the same ones: what the status shows, else the spec (outside a cluster no status is kept).
func servedTokenURLs(d *serving.Gateway, externalURL string, orders ...[]string) []string {
	paths := make([]string, len(d.TokenEndpoints))
	for i, e := range d.TokenEndpoints {
		paths[i] = e.Path
	}
	served := join(baseURLs(d.Hostnames, externalURL), paths)
	for _, order := range orders {
		if slices.Equal(slices.Sorted(slices.Values(served)), slices.Sorted(slices.Values(order))) {
			return order
		}
	}
	return served
}

func join(bases, paths []string) []string {
	var urls []string
	for _, base := range bases {
		for _, path := range paths {
			urls = append(urls, base+path)
		}
	}
	return urls
}

// baseURLs answers where a gateway of these hosts is reached, the preferred one first.
func baseURLs[H ~string](hostnames []H, externalURL string) []string {
	if len(hostnames) == 0 {
		if externalURL == "" {
			return nil
		}
		return []string{strings.TrimRight(externalURL, "/")}
	}
	bases := make([]string, len(hostnames))
	for i, host := range hostnames {
		bases[i] = "https://" + string(host)
	}
	return bases
}
