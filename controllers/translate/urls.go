package translate

import (
	"strings"

	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// TokenURLs answers the URLs of a gateway's token endpoints, in the order of its hostnames and endpoints: what is handed to Thales. Without a
// hostname they begin with externalURL; without that too there are none.
func TokenURLs(g *v1alpha1.MerchantGateway, externalURL string) []string {
	var urls []string
	for _, base := range baseURLs(g, externalURL) {
		for _, e := range g.Spec.TokenEndpoints {
			urls = append(urls, base+e.Path)
		}
	}
	return urls
}

// baseURLs answers where a gateway is reached, the preferred one first.
func baseURLs(g *v1alpha1.MerchantGateway, externalURL string) []string {
	if len(g.Spec.Hostnames) == 0 {
		if externalURL == "" {
			return nil
		}
		return []string{strings.TrimRight(externalURL, "/")}
	}
	bases := make([]string, len(g.Spec.Hostnames))
	for i, host := range g.Spec.Hostnames {
		bases[i] = "https://" + string(host)
	}
	return bases
}
