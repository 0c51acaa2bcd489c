package main

import "time"

// sayHowToLook prints where everything is and three things to try.
func (r *Run) sayHowToLook(s *shown, took time.Duration) {
	r.say(`
Up in %s. It stays up until Ctrl-C.

  export KUBECONFIG=%s
  D1 calls    https://%s   (certificate: %s)
  logs        %s and webhook-server.log beside it

Three things to try:

  kubectl get mgw,oac -A

  curl --cacert %[4]s -d grant_type=client_credentials \
    -u "$(kubectl -n %[6]s get secret %[7]s -o jsonpath='{.data.client_id}' | base64 -d):$(kubectl -n %[6]s get secret %[7]s -o jsonpath='{.data.client_secret}' | base64 -d)" \
    https://%[3]s/oauth2/token

  kubectl -n %[6]s edit oac %[8]s      # set spec.state to Suspended, then ask for a token again`,
		took.Round(100*time.Millisecond), r.path("kubeconfig"), r.url(r.d1), r.path("tls.crt"),
		r.path("controllers.log"), s.client.Namespace, s.client.Spec.Credentials.SecretName, s.client.Name)
}
