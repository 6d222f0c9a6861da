/* The dispatch tables of the operations: provider-base(7). */
#ifndef KEYD_PROVIDER_DISPATCH_H
#define KEYD_PROVIDER_DISPATCH_H

#include <openssl/core.h>

/*
 * A row of a table. The functions are declared with the types of
 * core_dispatch.h.
 */
#define DISPATCH(id, fn)                                                       \
	{                                                                      \
		(id), (void (*)(void))(fn)                                     \
	}
#define DISPATCH_END                                                           \
	{                                                                      \
		0, NULL                                                        \
	}

extern const OSSL_DISPATCH keymgmt_rsa_functions[];
extern const OSSL_DISPATCH keymgmt_rsa_pss_functions[];
extern const OSSL_DISPATCH keymgmt_ec_functions[];
extern const OSSL_DISPATCH keymgmt_ed25519_functions[];
extern const OSSL_DISPATCH keymgmt_ed448_functions[];
extern const OSSL_DISPATCH keymgmt_x25519_functions[];
extern const OSSL_DISPATCH keymgmt_x448_functions[];
extern const OSSL_DISPATCH decoder_rsa_functions[];
extern const OSSL_DISPATCH decoder_rsa_pss_functions[];
extern const OSSL_DISPATCH decoder_ec_functions[];
extern const OSSL_DISPATCH decoder_ed25519_functions[];
extern const OSSL_DISPATCH decoder_ed448_functions[];
extern const OSSL_DISPATCH decoder_x25519_functions[];
extern const OSSL_DISPATCH decoder_x448_functions[];
extern const OSSL_DISPATCH signature_rsa_functions[];
extern const OSSL_DISPATCH signature_ecdsa_functions[];
extern const OSSL_DISPATCH signature_ed25519_functions[];
extern const OSSL_DISPATCH signature_ed448_functions[];
extern const OSSL_DISPATCH keyexch_ecdh_functions[];
extern const OSSL_DISPATCH keyexch_ecx_functions[];
extern const OSSL_DISPATCH cipher_rsa_functions[];
extern const OSSL_DISPATCH kem_rsa_functions[];

#endif
