import warnings
warnings.simplefilter('default')
warnings.showwarning=lambda *a,**k: None
def unit(i):
    warnings.warn('slow query '+'q'*500+str(i)) #C
