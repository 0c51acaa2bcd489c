package translate

import (
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

const (
	// successorLead is how long before its first signature a successor is published when the period asks for it.
	successorLead = time.Hour
	// promptLead is the lead of a successor that somebody asked for, or that another algorithm needs. Whoever verifies tokens may cache the
	// published keys for 5 minutes (the max-age of the key set): twice that leaves none without the key, whatever its clock says.
	promptLead = 10 * time.Minute
	// propagation is how long every server needs at most to learn of a change.
	propagation = 10 * time.Second
	// retirementMargin covers that the clocks of servers may be a minute off: one that is behind signs with a key for a minute longer, and another
	// one accepts the token for a minute longer.
	retirementMargin = 2 * time.Minute
)

// keyPolicy is what decides about the signing keys of a gateway beside the keys that it has.
type keyPolicy struct {
	algorithm serving.Algorithm
	rotation  time.Duration
	// lifetime is that of the tokens issued from now on, and formerLifetime that of those issued until now.
	lifetime, formerLifetime time.Duration
	withdrawn                []v1alpha1.SigningKeyID
	// requested says that a rotation is asked for which was not acted on.
	requested bool
}

// policyOf answers what the spec says.
func policyOf(in GatewayInput) keyPolicy {
	spec := in.Gateway.Spec.AccessTokens
	p := keyPolicy{
		algorithm: serving.Algorithm(spec.Algorithm),
		rotation:  time.Duration(spec.KeyRotationDays) * 24 * time.Hour,
		lifetime:  time.Duration(spec.LifetimeSeconds) * time.Second,
		withdrawn: spec.WithdrawnKeys,
		requested: in.Previous != nil && gatewayRotationRequest(in) != in.Previous.RotationRequest,
	}
	p.formerLifetime = p.lifetime
	switch {
	case in.Previous != nil:
		p.formerLifetime = time.Duration(in.Previous.AccessTokenSeconds) * time.Second
	case in.PreviousSecrets != nil:
		// The document is lost that knew how long the tokens live which were issued under it.
		p.formerLifetime = longestTokenLifetime
	}
	return p
}

// longestTokenLifetime is the upper limit of spec.accessTokens.lifetimeSeconds.
const longestTokenLifetime = 24 * time.Hour

// gatewayRotationRequest answers the request that counts as acted on from now on. One that is there from the beginning does: the first key is new.
func gatewayRotationRequest(in GatewayInput) string {
	if request := rotationRequestOf(in.Gateway); request != "" {
		return request
	}
	if in.Previous != nil {
		return in.Previous.RotationRequest
	}
	return ""
}

// signingKeys answers the keys that verify at in.Now, in the order they sign, and when time alone will change them. It reads as a list of steps: what
// must not be trusted goes, what has no future goes, a successor is made when one is due, and what has no token left goes.
func signingKeys(in GatewayInput, policy keyPolicy) ([]serving.SigningKey, time.Time, error) {
	keys := timeline(in)
	keys, change, err := withoutWithdrawn(in, policy, keys)
	if err != nil {
		return nil, time.Time{}, err
	}
	keys, dropped := withoutPending(keys, policy.algorithm, in.Now)
	postpone(in, keys)
	// A key that begins to sign in place of a withdrawn one answers a request as well.
	wanted := policy.requested && !change.begun || change.lost || dropped

	newest := keys[len(keys)-1]
	pending := newest.SignsFrom.After(in.Now)
	due := newest.SignsFrom.Add(policy.rotation)
	var signsFrom time.Time
	switch {
	case newest.Algorithm != policy.algorithm, wanted && !pending:
		signsFrom = later(in.Now, newest.SignsFrom).Add(promptLead)
	case !in.Now.Before(due.Add(-successorLead)):
		signsFrom = later(due, in.Now.Add(successorLead))
	}
	if !signsFrom.IsZero() {
		key, err := newSigningKey(in, policy, signsFrom)
		if err != nil {
			return nil, time.Time{}, err
		}
		keys = append(keys, key)
	}
	dateTokens(keys, policy, in.Now)
	keys = withoutRetired(keys, in.Now)
	return keys, nextKeyChange(keys, policy.rotation, in.Now), nil
}

// postpone gives a successor that is about to sign another lead while some server replica does not serve the document that publishes it: that replica
// would refuse its tokens.
func postpone(in GatewayInput, keys []serving.SigningKey) {
	for i, k := range keys {
		if in.Unserved && k.SignsFrom.After(in.Now) && !in.Now.Before(lastLook(k)) && isNamed(in.Previous, k) {
			keys[i].SignsFrom = in.Now.Add(promptLead)
		}
	}
}

// lastLook answers when it is looked for the last time whether a successor can sign: a changed document still reaches every server then.
func lastLook(k serving.SigningKey) time.Time { return k.SignsFrom.Add(-2 * retirementMargin) }

// timeline answers the previous keys in the order they sign. With a previous Gateway document these are the ones it names, for it decides
// what was dropped, and any made later than all of those: then the operator stopped between writing the secrets and the document. Nobody has
// seen such a key published, so its lead begins now.
func timeline(in GatewayInput) []serving.SigningKey {
	if in.PreviousSecrets == nil {
		return nil
	}
	keys := slices.Clone(in.PreviousSecrets.SigningKeys)
	if in.Previous != nil {
		var latest time.Time
		for _, k := range keys {
			if isNamed(in.Previous, k) {
				latest = later(latest, k.CreatedAt)
			}
		}
		keys = slices.DeleteFunc(keys, func(k serving.SigningKey) bool { return !isNamed(in.Previous, k) && !k.CreatedAt.After(latest) })
		for i, k := range keys {
			if !isNamed(in.Previous, k) {
				keys[i].SignsFrom = later(k.SignsFrom, in.Now.Add(promptLead))
			}
		}
	}
	sortKeys(keys)
	return keys
}

func isNamed(g *serving.Gateway, k serving.SigningKey) bool {
	return slices.Contains(g.SigningKeys, k.ID)
}

func idsOf(keys []serving.SigningKey) []string {
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.ID)
	}
	return ids
}

// sortKeys puts keys in the order in which they sign.
func sortKeys(keys []serving.SigningKey) {
	slices.SortStableFunc(keys, func(a, b serving.SigningKey) int { return a.SignsFrom.Compare(b.SignsFrom) })
}

// signing answers the index of the key that signs now; the first one does when the time of none has come.
func signing(keys []serving.SigningKey, now time.Time) int {
	current := 0
	for i, k := range keys {
		if !k.SignsFrom.After(now) {
			current = i
		}
	}
	return current
}

// withoutPending drops the successors of another algorithm that no server signs with yet, and says whether it has. One that is about to sign stays,
// for a server's clock may be ahead. The first key stays in any case.
func withoutPending(keys []serving.SigningKey, algorithm serving.Algorithm, now time.Time) (left []serving.SigningKey, dropped bool) {
	for i, k := range keys {
		if i > 0 && k.Algorithm != algorithm && k.SignsFrom.After(now.Add(retirementMargin)) {
			dropped = true
			continue
		}
		left = append(left, k)
	}
	return left, dropped
}

// newSigningKey makes a key that did not exist before: not even a withdrawn one that was forgotten has its id.
func newSigningKey(in GatewayInput, policy keyPolicy, signsFrom time.Time) (serving.SigningKey, error) {
	private, err := in.Generate.SigningKey(policy.algorithm)
	if err != nil {
		return serving.SigningKey{}, err
	}
	id := in.Generate.ID()
	for slices.Contains(policy.withdrawn, v1alpha1.SigningKeyID(id)) {
		id = in.Generate.ID()
	}
	return serving.SigningKey{ID: id, Algorithm: policy.algorithm, PrivateKey: private, CreatedAt: in.Now, SignsFrom: signsFrom}, nil
}
