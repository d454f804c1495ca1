# Read by each step of the build that reaches the network: `. /opt/certificates/trust.sh`.
# Where this folder holds certificates, they are trusted beside the system's own; otherwise nothing changes.
bundle=/opt/certificates/bundle
for certificate in /opt/certificates/*.crt /opt/certificates/*.pem; do
    if [ -f "$certificate" ] && [ ! -f "$bundle" ]; then
        for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt \
            /opt/certificates/*.crt /opt/certificates/*.pem; do
            if [ -f "$file" ]; then cat "$file" && echo; fi
        done > "$bundle"
    fi
done
if [ -f "$bundle" ]; then
    export SSL_CERT_FILE="$bundle" PIP_CERT="$bundle" REQUESTS_CA_BUNDLE="$bundle"
    export CURL_CA_BUNDLE="$bundle" GIT_SSL_CAINFO="$bundle" MAMBA_SSL_VERIFY="$bundle"
fi
