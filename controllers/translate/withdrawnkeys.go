package translate

import (
	"slices"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// withdrawal is what follows from withdrawn keys for the others.
type withdrawal struct {
	// lost: a successor was withdrawn before it has signed, and needs a replacement.
	lost bool
	// begun: a key signs from now on in place of a withdrawn one.
	begun bool
}

// withoutWithdrawn drops the withdrawn keys. Somebody always signs: when the key that did is withdrawn, the next one does at once, or a new one.
// There is no time to publish that one first, and nothing to lose: D1 needs another token anyway.
func withoutWithdrawn(in GatewayInput, policy keyPolicy, keys []serving.SigningKey) (left []serving.SigningKey, follows withdrawal, err error) {
	current := signing(keys, in.Now)
	signs := false
	for i, k := range keys {
		if isWithdrawn(policy, k) {
			follows.lost = follows.lost || i > current
			continue
		}
		if i > current && !signs {
			k.SignsFrom = in.Now
			follows.begun = true
		}
		signs = signs || i >= current
		left = append(left, k)
	}
	if !signs {
		key, err := newSigningKey(in, policy, in.Now)
		if err != nil {
			return nil, withdrawal{}, err
		}
		return append(left, key), withdrawal{begun: true}, nil
	}
	return left, follows, nil
}

func isWithdrawn(policy keyPolicy, k serving.SigningKey) bool {
	return slices.Contains(policy.withdrawn, v1alpha1.SigningKeyID(k.ID))
}

// withdrawnKeys answers which of the withdrawn keys the served document does not name.
func withdrawnKeys(g *v1alpha1.MerchantGateway, served *serving.Gateway) []v1alpha1.SigningKeyID {
	var all []v1alpha1.SigningKeyID
	for _, id := range g.Spec.AccessTokens.WithdrawnKeys {
		if !slices.Contains(served.SigningKeys, string(id)) {
			all = append(all, id)
		}
	}
	return all
}
